//! The rules of workflows.

use std::collections::{BTreeMap, BTreeSet};

/// A state of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Code.
    pub code: String,
    /// Russian name.
    pub name_ru: String,
    /// English name.
    pub name_en: String,
    /// A task in it is closed.
    pub is_final: bool,
}

/// An arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Where it begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// Permission needed; empty for none.
    pub permission: String,
    /// Role needed; empty for none.
    pub role: String,
}

/// States and arrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// State of new tasks.
    pub initial_state: String,
    /// In board order.
    pub states: Vec<State>,
    /// Arrows.
    pub transitions: Vec<Transition>,
    /// Optimistic lock.
    pub version: i64,
}

/// A kind of task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskType {
    /// Code.
    pub code: String,
    /// Russian name.
    pub name_ru: String,
    /// English name.
    pub name_en: String,
    /// Code of its workflow.
    pub workflow: String,
}

/// What a mover may do.
pub trait Mover: Sync {
    /// Whether the mover holds a permission.
    fn may(&self, permission: &str) -> bool;
    /// Whether the mover holds a role.
    fn is(&self, role: &str) -> bool;
}

impl Workflow {
    /// A state by its code.
    #[must_use]
    pub fn state(&self, code: &str) -> Option<&State> {
        self.states.iter().find(|state| state.code == code)
    }

    /// The states a mover may bring a task to, in board order.
    #[must_use]
    pub fn allowed(&self, from: &str, mover: &dyn Mover) -> Vec<&State> {
        let open = |state: &&State| {
            self.transitions.iter().any(|arrow| {
                arrow.from == from
                    && arrow.to == state.code
                    && (arrow.permission.is_empty() || mover.may(&arrow.permission))
                    && (arrow.role.is_empty() || mover.is(&arrow.role))
            })
        };
        self.states.iter().filter(open).collect()
    }

    /// What is wrong with the drawing: field and description.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut codes = BTreeSet::new();
        for (index, state) in self.states.iter().enumerate() {
            if !codes.insert(state.code.as_str()) {
                problems.push((format!("states[{index}].code"), "the code is used twice".to_owned()));
            }
        }
        match self.state(&self.initial_state) {
            None => problems.push(("initial_state".to_owned(), "is not one of the states".to_owned())),
            Some(state) if state.is_final => {
                problems.push(("initial_state".to_owned(), "must not be final".to_owned()));
            }
            Some(_) => {}
        }
        if !self.states.iter().any(|state| state.is_final) {
            problems.push(("states".to_owned(), "at least one must be final".to_owned()));
        }
        self.arrow_problems(&codes, &mut problems);
        if problems.is_empty() {
            self.reach_problems(&mut problems);
        }
        problems
    }

    fn arrow_problems(&self, codes: &BTreeSet<&str>, problems: &mut Vec<(String, String)>) {
        let mut seen = BTreeSet::new();
        for (index, arrow) in self.transitions.iter().enumerate() {
            let mut problem = |field: &str, text: &str| {
                problems.push((format!("transitions[{index}].{field}"), text.to_owned()));
            };
            if !codes.contains(arrow.from.as_str()) {
                problem("from_state", "is not one of the states");
            }
            if !codes.contains(arrow.to.as_str()) {
                problem("to_state", "is not one of the states");
            }
            if arrow.from == arrow.to {
                problem("to_state", "must be another state");
            }
            if !seen.insert((&arrow.from, &arrow.to)) {
                problem("to_state", "this arrow exists twice");
            }
        }
    }

    fn reach_problems(&self, problems: &mut Vec<(String, String)>) {
        let mut forward: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut backward: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for arrow in &self.transitions {
            forward.entry(&arrow.from).or_default().push(&arrow.to);
            backward.entry(&arrow.to).or_default().push(&arrow.from);
        }
        let reachable = walk(&forward, vec![self.initial_state.as_str()]);
        let ends = self.states.iter().filter(|state| state.is_final).map(|state| state.code.as_str()).collect();
        let ending = walk(&backward, ends);
        for (index, state) in self.states.iter().enumerate() {
            if !reachable.contains(state.code.as_str()) {
                problems.push((format!("states[{index}]"), "can't be reached from the initial state".to_owned()));
            }
            if !ending.contains(state.code.as_str()) {
                problems.push((format!("states[{index}]"), "no final state can be reached from it".to_owned()));
            }
        }
    }
}

fn walk<'a>(arrows: &BTreeMap<&'a str, Vec<&'a str>>, start: Vec<&'a str>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = start;
    while let Some(code) = open.pop() {
        if seen.insert(code) {
            open.extend(arrows.get(code).into_iter().flatten());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Holder(&'static str, &'static str);

    impl Mover for Holder {
        fn may(&self, permission: &str) -> bool {
            permission == self.0
        }

        fn is(&self, role: &str) -> bool {
            role == self.1
        }
    }

    fn state(code: &str, is_final: bool) -> State {
        State { code: code.to_owned(), name_ru: code.to_owned(), name_en: code.to_owned(), is_final }
    }

    fn arrow(from: &str, to: &str, permission: &str, role: &str) -> Transition {
        Transition { from: from.into(), to: to.into(), permission: permission.into(), role: role.into() }
    }

    fn small(transitions: Vec<Transition>) -> Workflow {
        Workflow {
            code: "w".into(),
            name: "W".into(),
            initial_state: "a".into(),
            states: vec![state("a", false), state("b", false), state("c", true)],
            transitions,
            version: 1,
        }
    }

    #[test]
    fn only_those_who_may_take_an_arrow_see_it() {
        let flow = small(vec![arrow("a", "b", "", ""), arrow("a", "c", "p.q.r", "boss"), arrow("b", "c", "", "")]);
        let codes = |holder: Holder| -> Vec<String> {
            flow.allowed("a", &holder).into_iter().map(|state| state.code.clone()).collect()
        };
        assert_eq!(codes(Holder("", "")), ["b"]);
        assert_eq!(codes(Holder("p.q.r", "")), ["b"]);
        assert_eq!(codes(Holder("p.q.r", "boss")), ["b", "c"]);
    }

    #[test]
    fn a_state_out_of_reach_or_without_an_end_is_a_problem() {
        assert!(small(vec![arrow("a", "b", "", ""), arrow("b", "c", "", "")]).problems().is_empty());
        assert_eq!(small(vec![arrow("a", "c", "", "")]).problems().len(), 2, "b: no way in, no way out");
        assert_eq!(small(vec![arrow("a", "b", "", ""), arrow("a", "c", "", "")]).problems().len(), 1, "b: no way out");
        assert!(!small(vec![arrow("a", "x", "", "")]).problems().is_empty());
    }

    proptest! {
        /// Whatever is drawn: if it is accepted, a task can always be closed by walking along arrows.
        #[test]
        fn from_every_state_of_an_accepted_workflow_a_walk_ends(pairs in prop::collection::vec((0..5_usize, 0..5_usize), 0..12)) {
            let names = ["s0", "s1", "s2", "s3", "s4"];
            let flow = Workflow {
                code: "w".into(), name: "W".into(), initial_state: "s0".into(), version: 1,
                states: names.iter().enumerate().map(|(i, name)| state(name, i == 4)).collect(),
                transitions: pairs.iter().map(|(a, b)| arrow(names[*a], names[*b], "", "")).collect(),
            };
            if flow.problems().is_empty() {
                for start in names {
                    let mut seen = vec![start];
                    for _ in 0..5 {
                        let next: Vec<&str> = pairs.iter().filter(|(a, _)| seen.contains(&names[*a])).map(|(_, b)| names[*b]).collect();
                        seen.extend(next);
                    }
                    prop_assert!(seen.contains(&"s4"), "no end from {start}");
                }
            }
        }
    }
}
