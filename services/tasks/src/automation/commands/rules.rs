//! Changes of rules.

use service::Violation;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::super::{domain::Rule, store};
use crate::{error::Error, workflows::store as workflows};

const MOST: i64 = 500;

/// Checks a rule against projects, task types and workflows, which can't change under it.
async fn fits(conn: &mut PgConnection, rule: &Rule) -> Result<(), Error> {
    let mut wrong = Vec::new();
    match store::project_is_open(conn, &rule.project).await? {
        None => wrong.push(Violation::new("project", "there is no such project")),
        Some(false) => wrong.push(Violation::new("project", "the project is archived")),
        Some(true) => {}
    }
    match workflows::hold_for_type(conn, &rule.task_type).await? {
        None => wrong.push(Violation::new("task_type", "there is no such task type")),
        Some(workflow) => {
            for (index, closing) in rule.closings.iter().enumerate() {
                if !workflow.state(&closing.state).is_some_and(|state| state.is_final) {
                    let field = format!("closing_events[{index}].state");
                    wrong.push(Violation::new(field, "is not a final state of the task type's workflow"));
                }
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Creates (version 0) or replaces a rule.
pub(in crate::automation) async fn put(conn: &mut PgConnection, mut rule: Rule) -> Result<Rule, Error> {
    fits(conn, &rule).await?;
    let given = rule.version;
    let present = store::lock(conn, &rule.code).await?;
    match &present {
        None if given > 0 => return Err(Error::not_found("rule", &rule.code)),
        None if store::count(conn).await? >= MOST => {
            return Err(Error::refused("TOO_MANY_RULES", "500 rules exist; change one of them"));
        }
        Some(present) if present.version != given => {
            return Err(Error::VersionConflict { given, present: present.version });
        }
        _ => {}
    }
    rule.version = given + 1;
    if store::put(conn, &rule).await? { Ok(rule) } else { Err(Error::VersionConflict { given, present: given + 1 }) }
}

/// Switches a rule on or off.
pub(in crate::automation) async fn set_enabled(
    conn: &mut PgConnection,
    code: &str,
    enabled: bool,
    now: OffsetDateTime,
) -> Result<Rule, Error> {
    let mut rule = store::lock(conn, code).await?.ok_or_else(|| Error::not_found("rule", code))?;
    if rule.enabled != enabled {
        if enabled {
            fits(conn, &rule).await?;
        }
        rule.enabled = enabled;
        rule.version += 1;
        rule.updated_at = now;
        store::put(conn, &rule).await?;
    }
    Ok(rule)
}
