//! Texts with `{field}` in them.

use super::Fields;

/// The fields a template names. `Err` when a brace is not closed or the name is no name.
///
/// # Errors
/// A sentence for the author.
pub fn fields_of(template: &str) -> Result<Vec<String>, &'static str> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find(['{', '}']) {
        if rest[start..].starts_with('}') {
            return Err("a closing brace without an opening one");
        }
        let Some(length) = rest[start..].find('}') else { return Err("an opening brace without a closing one") };
        let name = &rest[start + 1..start + length];
        let good = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.'));
        if !good {
            return Err("between braces goes the name of a field");
        }
        found.push(name.to_owned());
        rest = &rest[start + length + 1..];
    }
    Ok(found)
}

/// Puts the fields in. What an event does not have becomes empty; values are not read as templates again.
#[must_use]
pub fn render(template: &str, fields: &dyn Fields) -> String {
    let mut text = String::with_capacity(template.len() + 40);
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        text.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else { break };
        text.push_str(&fields.get(&rest[start + 1..start + length]).unwrap_or_default());
        rest = &rest[start + length + 1..];
    }
    text.push_str(rest);
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Echo;

    impl Fields for Echo {
        fn get(&self, field: &str) -> Option<String> {
            (field != "gone").then(|| format!("<{field}>"))
        }
    }

    #[test]
    fn fields_are_put_in() {
        assert_eq!(render("Заказ {number}: {total.amount}{gone}!", &Echo), "Заказ <number>: <total.amount>!");
        assert_eq!(fields_of("a {b} {c.d}").unwrap(), ["b", "c.d"]);
        assert!(fields_of("a {b").is_err());
        assert!(fields_of("a } b").is_err());
        assert!(fields_of("{}").is_err());
        assert!(fields_of("{A b}").is_err());
    }

    proptest! {
        #[test]
        fn any_text_renders_without_fault(text in "\\PC*|[{}a.]*") {
            let shown = render(&text, &Echo);
            if fields_of(&text).is_ok_and(|fields| fields.is_empty()) {
                prop_assert_eq!(shown, text.trim());
            }
        }
    }
}
