//! Wire form of workflows.

use proto::tasks::v1 as wire;
use service::Check;

use super::domain::{State, TaskType, Transition, Workflow};
use crate::projects::domain::is_code;

pub(super) fn code(check: &mut Check, field: &str, text: &str) -> String {
    check.require(is_code(text, 40), field, "lower snake case, 1 to 40 characters");
    text.to_owned()
}

fn state(check: &mut Check, index: usize, state: &wire::WorkflowState) -> State {
    State {
        code: code(check, &format!("states[{index}].code"), &state.code),
        name_ru: check.text(&format!("states[{index}].name_ru"), &state.name_ru, 1..=100),
        name_en: check.text(&format!("states[{index}].name_en"), &state.name_en, 1..=100),
        is_final: state.r#final,
    }
}

fn transition(check: &mut Check, index: usize, arrow: &wire::WorkflowTransition) -> Transition {
    Transition {
        from: arrow.from_state.clone(),
        to: arrow.to_state.clone(),
        permission: check.optional_text(&format!("transitions[{index}].permission"), &arrow.permission, 100),
        role: check.optional_text(&format!("transitions[{index}].role"), &arrow.role, 100),
    }
}

pub(super) fn workflow(check: &mut Check, request: &wire::PutWorkflowRequest) -> Workflow {
    check.len("states", request.states.len(), 2..=30);
    check.len("transitions", request.transitions.len(), 1..=300);
    check.require(request.version >= 0, "version", "must be the version seen, or 0 to create");
    let states = request.states.iter().take(30).enumerate().map(|(i, s)| state(check, i, s)).collect();
    let transitions = request.transitions.iter().take(300).enumerate().map(|(i, a)| transition(check, i, a)).collect();
    let workflow = Workflow {
        code: code(check, "code", &request.code),
        name: check.text("name", &request.name, 1..=200),
        initial_state: request.initial_state.clone(),
        states,
        transitions,
        version: request.version,
    };
    for (field, problem) in workflow.problems() {
        check.require(false, &field, &problem);
    }
    workflow
}

pub(super) fn task_type(check: &mut Check, request: &wire::PutTaskTypeRequest) -> TaskType {
    TaskType {
        code: code(check, "code", &request.code),
        name_ru: check.text("name_ru", &request.name_ru, 1..=200),
        name_en: check.text("name_en", &request.name_en, 1..=200),
        workflow: code(check, "workflow", &request.workflow),
    }
}

pub(super) fn encode(workflow: Workflow) -> wire::Workflow {
    wire::Workflow {
        code: workflow.code,
        name: workflow.name,
        initial_state: workflow.initial_state,
        states: workflow
            .states
            .into_iter()
            .map(|state| wire::WorkflowState {
                code: state.code,
                name_ru: state.name_ru,
                name_en: state.name_en,
                r#final: state.is_final,
            })
            .collect(),
        transitions: workflow
            .transitions
            .into_iter()
            .map(|arrow| wire::WorkflowTransition {
                from_state: arrow.from,
                to_state: arrow.to,
                permission: arrow.permission,
                role: arrow.role,
            })
            .collect(),
        version: workflow.version,
    }
}

pub(super) fn encode_type(task_type: TaskType) -> wire::TaskType {
    wire::TaskType {
        code: task_type.code,
        name_ru: task_type.name_ru,
        name_en: task_type.name_en,
        workflow: task_type.workflow,
    }
}
