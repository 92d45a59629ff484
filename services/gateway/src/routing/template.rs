//! Path templates of `google.api.http`: literals, variables and an optional verb, as in `/v1/orders/{order_id}:cancel`.
//! Patterns inside variables (`{name=orders/*}`) are not used here and refused.

use std::fmt;

use anyhow::{bail, ensure};

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// Parts between slashes.
    pub(crate) segments: Vec<Segment>,
    /// What follows the last colon.
    pub(crate) verb: Option<String>,
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Must be equal.
    Literal(String),
    /// Anything but nothing; the path of the field it goes to.
    Variable(String),
}

impl Template {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let Some(rest) = text.strip_prefix('/') else { bail!("the path {text} must begin with /") };
        let after_variables = rest.rfind('}').map_or(0, |end| end + 1);
        let after_slashes = rest.rfind('/').map_or(0, |end| end + 1);
        let tail = after_variables.max(after_slashes);
        let (path, verb) = match rest[tail..].find(':') {
            Some(colon) => (&rest[..tail + colon], Some(rest[tail + colon + 1..].to_owned())),
            None => (rest, None),
        };
        let segments = path.split('/').map(|part| segment(text, part)).collect::<anyhow::Result<Vec<_>>>()?;
        if let Some(verb) = &verb {
            ensure!(is_literal(verb), "the verb of {text} must be of letters and digits");
        }
        Ok(Self { segments, verb })
    }

    /// Field paths of the variables, in order.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable(field) => Some(field.as_str()),
            Segment::Literal(_) => None,
        })
    }
}

fn segment(template: &str, part: &str) -> anyhow::Result<Segment> {
    if let Some(field) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        let good =
            !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
        ensure!(good, "the variable {part} of {template} must be a plain field name");
        return Ok(Segment::Variable(field.to_owned()));
    }
    ensure!(is_literal(part), "the part {part:?} of {template} must be of letters, digits and - _ .");
    Ok(Segment::Literal(part.to_owned()))
}

fn is_literal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Variable(field) => write!(f, "/{{{field}}}")?,
            }
        }
        self.verb.as_ref().map_or(Ok(()), |verb| write!(f, ":{verb}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read_and_written_alike() {
        let all = [
            "/v1/orders",
            "/v1/orders:batch",
            "/v1/orders/{order_id}",
            "/v1/orders/{order_id}:cancel",
            "/v1/a/{x.y}/b/{z}:go",
            "/.well-known/jwks.json",
        ];
        for text in all {
            assert_eq!(Template::parse(text).unwrap().to_string(), text);
        }
        let parsed = Template::parse("/v1/orders/{order_id}:cancel").unwrap();
        assert_eq!(parsed.verb.as_deref(), Some("cancel"));
        assert_eq!(parsed.variables().collect::<Vec<_>>(), ["order_id"]);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in
            ["", "v1", "/", "/v1//x", "/v1/{a=b/*}", "/v1/{}", "/v1/x{y}", "/v1/**", "/v1/a:", "/v1/a b", "/v1/a:b:c"]
        {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
