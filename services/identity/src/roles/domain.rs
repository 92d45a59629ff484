//! Permissions, patterns of permissions, and who may hand out what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use service::{Caller, Violation};

use crate::error::{Error, violation};

/// Everything, as a pattern.
pub(crate) const EVERYTHING: &str = "*";
/// The role that may never be changed or vanish from the last active employee.
pub(crate) const ADMINISTRATOR: &str = "administrator";
/// Most roles there can be.
pub(crate) const MOST_ROLES: i64 = 500;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    /// Code.
    pub(crate) code: String,
    /// Title.
    pub(crate) title: String,
    /// Permissions and patterns.
    pub(crate) permissions: Vec<String>,
    /// Seeded.
    pub(crate) built_in: bool,
    /// Version.
    pub(crate) version: i64,
}

/// Every permission some RPC asks for, with the RPCs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    methods: BTreeMap<String, Vec<String>>,
}

impl Catalogue {
    /// From pairs of permission and full method name; the words `public` and `authenticated` are no permissions.
    pub(crate) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (permission, method) in pairs {
            if permission != "public" && permission != "authenticated" {
                methods.entry(permission).or_default().push(method);
            }
        }
        Self { methods }
    }

    /// Permissions with their RPCs, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.methods.iter()
    }

    /// The permissions a set of patterns stands for, sorted.
    pub(crate) fn expand(&self, patterns: &[String]) -> BTreeSet<&str> {
        self.methods
            .keys()
            .map(String::as_str)
            .filter(|permission| patterns.iter().any(|pattern| matches(pattern, permission)))
            .collect()
    }

    /// Patterns without those another one covers, sorted: what a token carries.
    pub(crate) fn compact(patterns: &[String]) -> Vec<String> {
        let all: BTreeSet<&String> = patterns.iter().collect();
        all.iter()
            .filter(|one| !all.iter().any(|other| other != *one && matches(other, one)))
            .map(|one| (*one).clone())
            .collect()
    }

    /// Refuses patterns that stand for nothing.
    pub(crate) fn check(&self, patterns: &[String]) -> Result<(), Vec<Violation>> {
        let bad: Vec<Violation> = patterns
            .iter()
            .enumerate()
            .filter(|(_, pattern)| !self.methods.keys().any(|permission| matches(pattern, permission)))
            .map(|(index, _)| violation(&format!("permissions[{index}]"), "no RPC asks for this permission"))
            .collect();
        if bad.is_empty() { Ok(()) } else { Err(bad) }
    }
}

/// True when the pattern covers the permission (or the narrower pattern).
pub(crate) fn matches(pattern: &str, permission: &str) -> bool {
    if pattern == EVERYTHING || pattern == permission {
        return true;
    }
    pattern
        .strip_suffix(".*")
        .and_then(|prefix| permission.strip_prefix(prefix))
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Somebody who hands out, changes or takes away permissions, and must hold them.
#[derive(Debug, Clone)]
pub(crate) struct Grantor {
    /// The caller.
    pub(crate) caller: Caller,
    /// All permissions.
    pub(crate) catalogue: Arc<Catalogue>,
}

impl Grantor {
    /// Id for the audit trail.
    pub(crate) fn id(&self) -> &str {
        &self.caller.id
    }

    /// Refuses patterns the grantor does not hold all permissions of.
    pub(crate) fn require_held(&self, patterns: &[String]) -> Result<(), Error> {
        match self.catalogue.expand(patterns).into_iter().find(|permission| !self.caller.may(permission)) {
            Some(missing) => Err(Error::RoleBeyondCaller(missing.to_owned())),
            None => Ok(()),
        }
    }
}

/// True for codes of roles: 2 to 40 of `a-z 0-9 _`, a letter first.
pub(crate) fn is_code(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn catalogue() -> Catalogue {
        let names = ["orders.order.push", "orders.order.read", "erp.stock.read", "public", "authenticated"];
        Catalogue::new(names.map(|name| (name.to_owned(), format!("/{name}"))))
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn patterns_cover_whole_segments_only() {
        assert!(matches("orders.*", "orders.order.push"));
        assert!(matches("orders.order.*", "orders.order.push"));
        assert!(matches("orders.*", "orders.order.*"));
        assert!(!matches("orders.*", "ordersx.order.push"));
        assert!(!matches("orders.ord.*", "orders.order.push"));
        assert!(!matches("orders", "orders.order.push"));
        assert!(!matches("orders.*", "orders"));
    }

    #[test]
    fn unknown_permissions_and_empty_patterns_are_refused() {
        assert!(catalogue().check(&strings(&["orders.*", "erp.stock.read", "*"])).is_ok());
        let bad = catalogue().check(&strings(&["orders.*", "erp.money.print", "crm.*", "public"])).unwrap_err();
        let fields: Vec<_> = bad.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["permissions[1]", "permissions[2]", "permissions[3]"]);
    }

    proptest! {
        #[test]
        fn compacting_changes_nothing_about_what_is_allowed(
            patterns in proptest::collection::vec(
                prop_oneof![
                    Just("*"), Just("orders.*"), Just("orders.order.*"), Just("orders.order.push"),
                    Just("erp.*"), Just("erp.stock.read"),
                ], 0..6)
        ) {
            let patterns = strings(&patterns);
            let compact = Catalogue::compact(&patterns);
            let catalogue = catalogue();
            prop_assert_eq!(catalogue.expand(&patterns), catalogue.expand(&compact));
            prop_assert!(compact.len() <= patterns.len());
        }
    }
}
