//! Every RPC says who may call it, and its route is its own.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, MethodDescriptor, Value};

use crate::none;

fn option(method: &MethodDescriptor, name: &str) -> Option<Value> {
    let extension = method.parent_pool().get_extension_by_name(name)?;
    let options = method.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
}

fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let ours = pool.services().filter(|service| service.full_name().starts_with("shopfloor."));
    ours.flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// `<service>.<resource>.<verb>` of the method's own service, or one of the two words for everybody.
fn well_formed(permission: &str, package: &str) -> bool {
    let words: Vec<&str> = permission.split('.').collect();
    let snake = |word: &&str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
    };
    let own = package.strip_prefix("shopfloor.").and_then(|rest| rest.strip_suffix(".v1"));
    matches!(permission, "public" | "authenticated")
        || (words.len() == 3 && words.iter().all(snake) && own == Some(words[0]))
}

fn without_permission(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for method in methods(pool) {
        let package = method.parent_service().package_name().to_owned();
        match option(&method, "shopfloor.options.v1.permission").and_then(|value| value.as_str().map(str::to_owned)) {
            None => found.push(format!("{}: no permission option", method.full_name())),
            Some(permission) if !well_formed(&permission, &package) => {
                found.push(format!(
                    "{}: the permission {permission} is not <service>.<resource>.<verb> of its service",
                    method.full_name()
                ));
            }
            Some(_) => {}
        }
    }
    found
}

/// Verb and path of the HTTP route, variables without their names.
fn route(method: &MethodDescriptor) -> Option<String> {
    let rule = option(method, "google.api.http")?;
    let rule = rule.as_message()?;
    let verb = ["get", "put", "post", "delete", "patch"].into_iter().find(|verb| rule.has_field_by_name(verb))?;
    let path = rule.get_field_by_name(verb)?.as_str()?.to_owned();
    let mut anonymous = String::new();
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '{' => inside = true,
            '}' => {
                inside = false;
                anonymous.push('*');
            }
            _ if !inside => anonymous.push(letter),
            _ => {}
        }
    }
    Some(format!("{verb} {anonymous}"))
}

/// A path in two styles: words of the path with hyphens (`/v1/price-lists`), custom verbs in camel case (`:cancelLines`), as
/// AIP-136 has them.
fn crooked(path: &str) -> bool {
    let (resource, verb) = path.split_once(':').unwrap_or((path, "get"));
    let kebab = |word: &str| {
        word == "*"
            || (!word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
    };
    let camel = verb.starts_with(|c: char| c.is_ascii_lowercase()) && verb.bytes().all(|b| b.is_ascii_alphanumeric());
    !camel || !resource.strip_prefix('/').is_some_and(|words| words.split('/').all(kebab))
}

fn shared_routes(routes: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut taken: HashMap<String, String> = HashMap::new();
    let mut found = Vec::new();
    for (method, route) in routes {
        if let Some(other) = taken.insert(route.clone(), method.clone()) {
            found.push(format!("{method}: {route} is the route of {other}"));
        }
    }
    found
}

fn routes(pool: &DescriptorPool) -> Vec<(String, String)> {
    methods(pool).iter().filter_map(|method| Some((method.full_name().to_owned(), route(method)?))).collect()
}

#[test]
fn every_rpc_names_the_permission_it_needs() {
    let pool = proto::descriptor_pool();
    assert!(methods(pool).len() > 30, "the contracts were not found");
    none(without_permission(pool));
}

#[test]
fn every_route_is_one_rpc() {
    let routes = routes(proto::descriptor_pool());
    assert!(routes.len() > 20, "the routes were not found");
    none(shared_routes(routes.into_iter()));
}

#[test]
fn routes_are_of_one_style() {
    let routes = routes(proto::descriptor_pool());
    assert!(routes.iter().any(|(_, route)| route.contains(':')), "the custom verbs were not found");
    let path = |route: &str| route.split_once(' ').map(|(_, path)| path.to_owned()).unwrap_or_default();
    none(routes.iter().filter(|(_, r)| crooked(&path(r))).map(|(method, r)| format!("{method}: {r}")).collect());
}

#[test]
fn the_rules_on_contracts_can_fail() {
    assert!(["/v1/lots:set-status", "/v1/priceLists", "v1/orders", "/v1/orders/*:Cancel"].into_iter().all(crooked));
    assert!(!["/v1/price-lists/*", "/v1/orders/*:cancelLines"].into_iter().any(crooked));
    let service = prost_types::ServiceDescriptorProto {
        name: Some("ThingService".to_owned()),
        method: vec![prost_types::MethodDescriptorProto {
            name: Some("Do".to_owned()),
            input_type: Some(".shopfloor.thing.v1.Empty".to_owned()),
            output_type: Some(".shopfloor.thing.v1.Empty".to_owned()),
            ..Default::default()
        }],
        ..Default::default()
    };
    let file = prost_types::FileDescriptorProto {
        name: Some("thing.proto".to_owned()),
        package: Some("shopfloor.thing.v1".to_owned()),
        message_type: vec![prost_types::DescriptorProto { name: Some("Empty".to_owned()), ..Default::default() }],
        service: vec![service],
        ..Default::default()
    };
    let pool = DescriptorPool::from_file_descriptor_set(prost_types::FileDescriptorSet { file: vec![file] }).unwrap();
    assert_eq!(without_permission(&pool).len(), 1);
    assert!(well_formed("orders.order.push", "shopfloor.orders.v1") && well_formed("public", "shopfloor.orders.v1"));
    assert!(
        !well_formed("orders.push", "shopfloor.orders.v1") && !well_formed("erp.order.push", "shopfloor.orders.v1")
    );
    let twice = ["a", "b"].map(|method| (method.to_owned(), "get /v1/orders/*".to_owned()));
    assert_eq!(shared_routes(twice.into_iter()).len(), 1);
}
