//! What goes wrong between the preparation of the company and the quiet after. Whatever it is, everything is read back
//! and every promise is checked afterwards.
//!
//! A new kind of trouble is a file here with a function of the type [`Trouble::run`], and a line in [`ALL`]. It starts
//! the recorded load with [`Run::load`] and stops it, and does what it does to [`Run::company`]. Scenarios that need a
//! company of their own are in [`crate::scenarios`].

mod mixed;
mod outage;

use futures::future::BoxFuture;

use crate::run::Run;

/// A kind of trouble.
pub(crate) struct Trouble {
    /// What `--scenario` calls it.
    pub(crate) name: &'static str,
    /// What it does, in a sentence.
    pub(crate) about: &'static str,
    /// Does it.
    pub(crate) run: for<'a> fn(&'a Run) -> BoxFuture<'a, anyhow::Result<()>>,
}

/// All kinds.
pub(crate) const ALL: &[Trouble] = &[
    Trouble {
        name: "mixed",
        about: "every kind of fault, one after the other, from the seed",
        run: |run| Box::pin(mixed::run(run)),
    },
    Trouble {
        name: "outage:erp",
        about: "erp is down for the whole load",
        run: |run| Box::pin(outage::run(run, "erp")),
    },
    Trouble {
        name: "outage:crm",
        about: "crm is down for the whole load",
        run: |run| Box::pin(outage::run(run, "crm")),
    },
    Trouble {
        name: "outage:kpi",
        about: "kpi is down for the whole load",
        run: |run| Box::pin(outage::run(run, "kpi")),
    },
    Trouble {
        name: "outage:nats",
        about: "the broker is down for the whole load",
        run: |run| Box::pin(outage::run(run, "nats")),
    },
];

/// The trouble called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Trouble> {
    ALL.iter().find(|trouble| trouble.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_found_by_its_name() {
        for trouble in ALL {
            assert_eq!(find(trouble.name).unwrap().name, trouble.name);
        }
        assert!(find("nonsense").is_none());
    }
}
