//! Scores and models on the wire.

use proto::crm::v1 as wire;
use rust_decimal::Decimal;
use service::Check;

use super::domain::explanations::{Language, explain};
use super::domain::{Curve, Grades, Model, ModelRule, Parameter, Shape};
use super::queries::{ChangeRow, Origin};
use super::store::Kept;

fn parameter_to_wire(parameter: &Parameter) -> wire::ParameterScore {
    wire::ParameterScore {
        parameter: i32::from(parameter.number),
        value: parameter.value.map(|value| value.to_string()).unwrap_or_default(),
        score: parameter.score.to_string(),
        weight: parameter.weight.to_string(),
        explanation_ru: explain(parameter, Language::Russian),
        explanation_en: explain(parameter, Language::English),
    }
}

/// A customer's score; `None` when there is none yet.
pub(crate) fn score_to_wire(kept: &Kept) -> Option<wire::Score> {
    Some(wire::Score {
        customer_id: kept.customer_id.to_string(),
        total: kept.score?.to_string(),
        grade: kept.grade.clone(),
        parameters: kept.parameters.iter().map(parameter_to_wire).collect(),
        model_version: kept.model_version,
        as_of: kept.scored_as_of.map(proto::to_timestamp),
        top_categories: kept
            .categories
            .0
            .iter()
            .map(|(category, share)| wire::CategoryShare { category: category.clone(), share: share.to_string() })
            .collect(),
    })
}

/// A change of the history.
pub(crate) fn change_to_wire(row: &ChangeRow) -> wire::ScoreChange {
    wire::ScoreChange {
        total: row.total.to_string(),
        previous_total: row.previous_total.map(|total| total.to_string()).unwrap_or_default(),
        grade: row.grade.clone(),
        previous_grade: row.previous_grade.clone(),
        cause: row.cause.clone(),
        cause_id: row.cause_id.clone(),
        model_version: row.model_version,
        scored_at: Some(proto::to_timestamp(row.scored_at)),
        parameter_scores: row.parameter_scores.iter().map(Decimal::to_string).collect(),
    }
}

/// A model.
pub(crate) fn model_to_wire(origin: &Origin, version: i64, model: &Model) -> wire::ScoreModel {
    let rule = |(rule, number): (&ModelRule, i32)| wire::ParameterRule {
        parameter: number,
        weight: rule.weight.to_string(),
        shape: match rule.curve.shape {
            Shape::Linear => wire::CurveShape::Linear.into(),
            Shape::Steps => wire::CurveShape::Steps.into(),
        },
        points: rule
            .curve
            .points
            .iter()
            .map(|(value, score)| wire::CurvePoint { value: value.to_string(), score: score.to_string() })
            .collect(),
        score_without_data: rule.score_without_data.to_string(),
    };
    let [a, b, c, d] = model.grades.0.map(|bound| bound.to_string());
    wire::ScoreModel {
        version,
        rules: model.rules.iter().zip(1..).map(rule).collect(),
        grades: Some(wire::GradeBounds { a, b, c, d }),
        comment: origin.comment.clone(),
        created_at: origin.created_at.map(proto::to_timestamp),
        created_by: origin.created_by.clone(),
    }
}

fn rule_from_wire(check: &mut Check, index: usize, rule: &wire::ParameterRule) -> ModelRule {
    let field = |name: &str| format!("model.rules[{index}].{name}");
    let in_order = usize::try_from(rule.parameter).is_ok_and(|number| number == index + 1);
    check.require(in_order, field("parameter"), "must be the parameter of this place, from 1 to 11");
    let shape = match rule.shape() {
        wire::CurveShape::Linear => Shape::Linear,
        wire::CurveShape::Steps => Shape::Steps,
        wire::CurveShape::Unspecified => {
            check.wrong(field("shape"), "is missing");
            Shape::Linear
        }
    };
    check.len(&field("points"), rule.points.len(), 1..=20);
    let points = rule
        .points
        .iter()
        .take(20)
        .map(|point| {
            (check.decimal(&field("points.value"), &point.value), check.decimal(&field("points.score"), &point.score))
        })
        .collect();
    ModelRule {
        weight: check.decimal(&field("weight"), &rule.weight),
        curve: Curve { shape, points },
        score_without_data: check.decimal(&field("score_without_data"), &rule.score_without_data),
    }
}

/// Reads a model; every broken rule of it is a violation.
pub(crate) fn model_from_wire(check: &mut Check, model: Option<&wire::ScoreModel>) -> (Model, String) {
    let Some(model) = model else {
        check.wrong("model", "is missing");
        return (Model::initial(), String::new());
    };
    let comment = check.optional_text("model.comment", &model.comment, 1000);
    check.len("model.rules", model.rules.len(), 11..=11);
    let rules =
        model.rules.iter().take(11).enumerate().map(|(index, rule)| rule_from_wire(check, index, rule)).collect();
    let Some(grades) = &model.grades else {
        check.wrong("model.grades", "is missing");
        return (Model::initial(), String::new());
    };
    let bounds = [("a", &grades.a), ("b", &grades.b), ("c", &grades.c), ("d", &grades.d)];
    let bounds = bounds.map(|(name, bound)| check.decimal(&format!("model.grades.{name}"), bound));
    let read = Model { rules, grades: Grades(bounds) };
    if check.is_clean() {
        for (field, description) in read.violations() {
            check.wrong(field, description);
        }
    }
    (read, comment)
}
