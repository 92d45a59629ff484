//! The tree of routes. Matching costs no more than the length of the path, whatever the number of routes.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::ensure;
use http::Method;

use super::template::{Segment, Template};

/// Longest path that is looked at, in segments.
const MOST_SEGMENTS: usize = 32;

/// Routes by path and method.
#[derive(Debug)]
pub(crate) struct Table<T> {
    root: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    literals: HashMap<String, Node<T>>,
    variable: Option<Box<Node<T>>>,
    leaves: HashMap<Option<String>, HashMap<Method, Arc<T>>>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literals: HashMap::new(), variable: None, leaves: HashMap::new() }
    }
}

/// What a path and method mean.
#[derive(Debug)]
pub(crate) enum Found<T> {
    /// A route and the decoded values of its variables.
    Route(Arc<T>, Vec<String>),
    /// The path exists for these methods only, sorted.
    OtherMethods(Vec<Method>),
    /// No such path.
    Nothing,
    /// The path is not percent-encoded UTF-8.
    Malformed,
}

impl<T> Table<T> {
    /// Builds the tree. Two routes that mean the same requests are an error.
    pub(crate) fn new(routes: impl IntoIterator<Item = (Method, Template, T)>) -> anyhow::Result<Self> {
        let mut root = Node::default();
        for (method, template, value) in routes {
            let mut node = &mut root;
            for segment in &template.segments {
                node = match segment {
                    Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                    Segment::Variable(_) => node.variable.get_or_insert_default(),
                };
            }
            let leaf = node.leaves.entry(template.verb.clone()).or_default();
            let taken = leaf.insert(method.clone(), Arc::new(value)).is_some();
            ensure!(!taken, "two RPCs want the route {method} {template}");
        }
        Ok(Self { root })
    }

    /// Looks a request up. Literals go before variables, and a verb before a value with a colon in it.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<T> {
        let Some(rest) = path.strip_prefix('/') else { return Found::Nothing };
        let raw: Vec<&str> = rest.split('/').collect();
        if raw.len() > MOST_SEGMENTS {
            return Found::Nothing;
        }
        let Some(decoded) = raw.iter().map(|part| decode(part)).collect::<Option<Vec<_>>>() else {
            return Found::Malformed;
        };
        let mut leaves = Vec::new();
        if let Some((last, verb)) = raw.last().and_then(|last| last.rsplit_once(':'))
            && let Some(last) = decode(last)
        {
            let mut parts = decoded.clone();
            if let Some(part) = parts.last_mut() {
                *part = last;
            }
            self.root.collect(&parts, Some(verb), Vec::new(), &mut leaves);
        }
        self.root.collect(&decoded, None, Vec::new(), &mut leaves);
        if leaves.is_empty() {
            return Found::Nothing;
        }
        for (methods, values) in &leaves {
            if let Some(route) = methods.get(method) {
                return Found::Route(Arc::clone(route), values.clone());
            }
        }
        let mut methods: Vec<Method> = leaves.iter().flat_map(|(methods, _)| methods.keys().cloned()).collect();
        methods.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        methods.dedup();
        Found::OtherMethods(methods)
    }
}

type Leaves<'a, T> = Vec<(&'a HashMap<Method, Arc<T>>, Vec<String>)>;

impl<T> Node<T> {
    /// All leaves the parts lead to, the best first.
    fn collect<'a>(&'a self, parts: &[String], verb: Option<&str>, values: Vec<String>, found: &mut Leaves<'a, T>) {
        let Some((part, rest)) = parts.split_first() else {
            if let Some(methods) = self.leaves.get(&verb.map(str::to_owned)) {
                found.push((methods, values));
            }
            return;
        };
        if let Some(node) = self.literals.get(part) {
            node.collect(rest, verb, values.clone(), found);
        }
        if let Some(node) = self.variable.as_ref().filter(|_| !part.is_empty()) {
            let mut values = values;
            values.push(part.clone());
            node.collect(rest, verb, values, found);
        }
    }
}

/// Undoes percent-encoding; nothing when it is malformed or not UTF-8.
fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(hex::decode(digits).ok()?.first().copied()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Table<&'static str> {
        let routes = [
            (Method::GET, "/v1/orders"),
            (Method::POST, "/v1/orders"),
            (Method::POST, "/v1/orders:batch"),
            (Method::GET, "/v1/orders/{order_id}"),
            (Method::POST, "/v1/orders/{order_id}:cancel"),
            (Method::GET, "/v1/orders/latest"),
            (Method::GET, "/v1/orders/{order_id}/lines/{line}"),
        ];
        Table::new(routes.map(|(method, text)| (method, Template::parse(text).unwrap(), text))).unwrap()
    }

    fn found(method: Method, path: &str) -> (&'static str, Vec<String>) {
        match table().find(&method, path) {
            Found::Route(route, values) => (*route, values),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn requests_find_their_routes() {
        assert_eq!(found(Method::POST, "/v1/orders").0, "/v1/orders");
        assert_eq!(found(Method::POST, "/v1/orders:batch").0, "/v1/orders:batch");
        assert_eq!(found(Method::GET, "/v1/orders/latest").0, "/v1/orders/latest");
        assert_eq!(found(Method::GET, "/v1/orders/42"), ("/v1/orders/{order_id}", vec!["42".to_owned()]));
        assert_eq!(found(Method::POST, "/v1/orders/42:cancel").1, ["42"]);
        assert_eq!(found(Method::GET, "/v1/orders/a%2Fb%3Acancel").1, ["a/b:cancel"]);
        assert_eq!(found(Method::GET, "/v1/orders/a:b").1, ["a:b"], "a colon may be part of a value");
        assert_eq!(found(Method::GET, "/v1/orders/a/lines/b").1, ["a", "b"]);
    }

    #[test]
    fn other_methods_are_named_and_other_paths_are_nothing() {
        let Found::OtherMethods(methods) = table().find(&Method::DELETE, "/v1/orders") else { panic!() };
        assert_eq!(methods, [Method::GET, Method::POST]);
        let Found::OtherMethods(methods) = table().find(&Method::GET, "/v1/orders:batch") else { panic!() };
        assert_eq!(methods, [Method::POST]);
        for path in ["", "/", "/v1", "/v1/orders/", "/v1/orders/a/lines/", "/v1//orders", "/v2/orders", "orders"] {
            assert!(matches!(table().find(&Method::GET, path), Found::Nothing), "{path}");
        }
        for path in ["/v1/orders/%", "/v1/orders/%zz", "/v1/orders/%ff"] {
            assert!(matches!(table().find(&Method::GET, path), Found::Malformed), "{path}");
        }
    }

    #[test]
    fn the_same_route_twice_is_an_error() {
        let twice = ["/v1/a/{x}", "/v1/a/{y}"].map(|text| (Method::GET, Template::parse(text).unwrap(), ()));
        assert!(Table::new(twice).is_err());
    }

    proptest! {
        #[test]
        fn any_path_is_answered_without_a_panic(path in "\\PC{0,60}") {
            table().find(&Method::GET, &path);
        }

        #[test]
        fn values_come_out_as_they_went_in(value in "\\PC{1,20}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let (route, values) = found(Method::POST, &format!("/v1/orders/{encoded}:cancel"));
            prop_assert_eq!(route, "/v1/orders/{order_id}:cancel");
            prop_assert_eq!(values, vec![value]);
        }

        #[test]
        fn every_route_finds_itself(
            shapes in proptest::collection::hash_set((proptest::collection::vec("[a-c]|\\{[xy]\\}", 1..4), proptest::option::of("[de]")), 1..12)
        ) {
            let mut seen = std::collections::HashSet::new();
            let texts: Vec<String> = shapes.into_iter()
                .map(|(parts, verb)| format!("/{}{}", parts.join("/"), verb.map_or(String::new(), |verb| format!(":{verb}"))))
                .filter(|text| seen.insert(text.replace("{x}", "{}").replace("{y}", "{}")))
                .collect();
            let table = Table::new(texts.iter().map(|text| (Method::GET, Template::parse(text).unwrap(), text.clone()))).unwrap();
            for text in &texts {
                let path = text.replace("{x}", "qx").replace("{y}", "qy");
                let Found::Route(route, values) = table.find(&Method::GET, &path) else { panic!("{text}") };
                prop_assert_eq!(&*route, text);
                prop_assert_eq!(values.len(), text.matches('{').count());
            }
        }
    }
}
