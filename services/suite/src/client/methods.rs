#![doc = "What the descriptors say of every RPC: its permission and its HTTP route."]

use anyhow::{Context, anyhow, bail};
use prost_reflect::{DynamicMessage, MethodDescriptor, ReflectMessage, Value};

/// The HTTP side of an RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// HTTP method, upper case.
    pub verb: String,
    /// Path with `{field}` variables.
    pub path: String,
    /// `*` when the request is the body, empty when it is the query.
    pub body: String,
}

/// An RPC.
#[derive(Debug, Clone)]
pub struct Method {
    /// Descriptor.
    pub descriptor: MethodDescriptor,
    /// Permission, `public` or `authenticated`.
    pub permission: String,
    /// Route, when the outside may call it.
    pub route: Option<Route>,
}

impl Method {
    /// `package.Service/Method`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.descriptor.parent_service().full_name(), self.descriptor.name())
    }
}

/// All RPCs of the suite, by name.
pub fn all() -> Vec<Method> {
    let mut methods: Vec<_> = proto::descriptor_pool()
        .services()
        .filter(|service| service.full_name().starts_with("shopfloor."))
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|descriptor| Method {
            permission: option_text(&descriptor, "shopfloor.options.v1.permission").unwrap_or_default(),
            route: route(&descriptor),
            descriptor,
        })
        .collect();
    methods.sort_by_key(Method::full_name);
    methods
}

/// Finds an RPC by `Method`, `Service/Method`, or its full name with `/` or `.` before the method.
pub fn find(name: &str) -> anyhow::Result<Method> {
    let wanted = name.replace('/', ".");
    let ends = format!(".{wanted}");
    let mut found: Vec<_> = all()
        .into_iter()
        .filter(|method| {
            let full = method.full_name().replace('/', ".");
            full == wanted || full.ends_with(&ends)
        })
        .collect();
    match found.len() {
        0 => bail!("there is no RPC `{name}`; `shopfloor rpcs` lists all of them"),
        1 => found.pop().context("one was counted"),
        _ => {
            let names: Vec<_> = found.iter().map(Method::full_name).collect();
            Err(anyhow!("`{name}` could be any of {}; write the service too", names.join(", ")))
        }
    }
}

fn option_text(method: &MethodDescriptor, extension: &str) -> Option<String> {
    let extension = proto::descriptor_pool().get_extension_by_name(extension)?;
    let options = method.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).as_str().map(str::to_owned))?
}

fn route(method: &MethodDescriptor) -> Option<Route> {
    let extension = proto::descriptor_pool().get_extension_by_name("google.api.http")?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let value = options.get_extension(&extension);
    let rule: &DynamicMessage = value.as_message()?;
    let body = rule.get_field_by_name("body")?.as_str()?.to_owned();
    ["get", "post", "put", "patch", "delete"].into_iter().find_map(|verb| {
        let field = rule.descriptor().get_field_by_name(verb)?;
        let Value::String(path) = rule.get_field(&field).into_owned() else { return None };
        (!path.is_empty()).then(|| Route { verb: verb.to_uppercase(), path, body: body.clone() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rpc_is_found_by_its_short_and_its_full_name() {
        let full = "shopfloor.messaging.v1.MessagingService/GetStatus";
        for name in ["MessagingService/GetStatus", full, "shopfloor.messaging.v1.MessagingService.GetStatus"] {
            assert_eq!(find(name).unwrap().full_name(), full);
        }
        assert!(find("NoSuchService/GetStatus").is_err());
    }

    #[test]
    fn permission_and_route_come_from_the_proto_file() {
        let method = find("MessagingService/Replay").unwrap();
        assert_eq!(method.permission, "messaging.outbox.replay");
        let route = method.route.unwrap();
        assert_eq!((route.verb.as_str(), route.path.as_str()), ("POST", "/v1/messaging/{service}/outbox:replay"));
    }

    #[test]
    fn every_rpc_names_a_permission() {
        let without: Vec<_> = all().iter().filter(|m| m.permission.is_empty()).map(Method::full_name).collect();
        assert_eq!(without, Vec::<String>::new());
    }
}
