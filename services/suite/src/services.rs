#![doc = "Which services there are, their settings, and how each is made."]

use clap::{Args, ValueEnum};
use service::host::Plan;
use sqlx::migrate::Migrator;

/// A service that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Name {
    /// Catalogue, prices, orders, payments, returns.
    Orders,
    /// Stock, reservations, fulfilment.
    Erp,
    /// Customers and their scores.
    Crm,
    /// Figures and reports.
    Kpi,
    /// Tasks and automation.
    Tasks,
    /// Pages and their search.
    Knowledge,
    /// Employees, roles, API keys.
    Identity,
    /// The HTTP door of the suite.
    Gateway,
}

impl Name {
    /// All of them, in the order they start.
    pub const ALL: [Self; 8] =
        [Self::Identity, Self::Orders, Self::Erp, Self::Crm, Self::Kpi, Self::Tasks, Self::Knowledge, Self::Gateway];

    /// Word used for roles, databases and flags.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Orders => orders::NAME,
            Self::Erp => erp::NAME,
            Self::Crm => crm::NAME,
            Self::Kpi => kpi::NAME,
            Self::Tasks => tasks::NAME,
            Self::Knowledge => knowledge::NAME,
            Self::Identity => identity::NAME,
            Self::Gateway => gateway::NAME,
        }
    }

    /// True for the services with a database of their own: all but the gateway.
    pub const fn has_database(self) -> bool {
        !matches!(self, Self::Gateway)
    }

    const fn migrator(self) -> Option<&'static Migrator> {
        Some(match self {
            Self::Orders => &orders::MIGRATOR,
            Self::Erp => &erp::MIGRATOR,
            Self::Crm => &crm::MIGRATOR,
            Self::Kpi => &kpi::MIGRATOR,
            Self::Tasks => &tasks::MIGRATOR,
            Self::Knowledge => &knowledge::MIGRATOR,
            Self::Identity => &identity::MIGRATOR,
            Self::Gateway => return None,
        })
    }
}

/// Settings of all services; those of services that do not run are ignored.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    #[command(flatten, next_help_heading = "Orders")]
    /// Of orders.
    pub orders: orders::Config,
    #[command(flatten, next_help_heading = "Erp")]
    /// Of erp.
    pub erp: erp::Config,
    #[command(flatten, next_help_heading = "Crm")]
    /// Of crm.
    pub crm: crm::Config,
    #[command(flatten, next_help_heading = "Kpi")]
    /// Of kpi.
    pub kpi: kpi::Config,
    #[command(flatten, next_help_heading = "Tasks")]
    /// Of tasks.
    pub tasks: tasks::Config,
    #[command(flatten, next_help_heading = "Knowledge")]
    /// Of knowledge.
    pub knowledge: knowledge::Config,
    #[command(flatten, next_help_heading = "Identity")]
    /// Of identity.
    pub identity: identity::Config,
    #[command(flatten, next_help_heading = "Gateway")]
    /// Of the gateway.
    pub gateway: gateway::Config,
}

/// The plan of a service with a database; `None` for the gateway.
pub fn plan(name: Name, database_url: String, settings: &Settings) -> Option<Plan> {
    let migrator = name.migrator()?;
    let settings = settings.clone();
    let build: service::host::Build = match name {
        Name::Orders => Box::new(move |deps| orders::service(deps, &settings.orders)),
        Name::Erp => Box::new(move |deps| erp::service(deps, &settings.erp)),
        Name::Crm => Box::new(move |deps| crm::service(deps, &settings.crm)),
        Name::Kpi => Box::new(move |deps| kpi::service(deps, &settings.kpi)),
        Name::Tasks => Box::new(move |deps| tasks::service(deps, &settings.tasks)),
        Name::Knowledge => Box::new(move |deps| knowledge::service(deps, &settings.knowledge)),
        Name::Identity => Box::new(move |deps| identity::service(deps, &settings.identity)),
        Name::Gateway => return None,
    };
    Some(Plan { name: name.word(), database_url, migrator, build })
}
