//! What a writer remembers of the catalogue between groups. Right by construction: each group reads the catalogue's
//! version in its own transaction first, and a version other than the remembered one empties the memory. What is then
//! read is at least as new as that version.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sqlx::PgConnection;

use crate::{
    catalogue::domain::{Item, PriceList},
    channels::ChannelRow,
    config::Config,
    intake::{
        domain::{Draft, Policy, TaxRounding},
        store,
    },
    life::domain::LineKind,
};

/// Products remembered at most.
const MOST_ITEMS: usize = 100_000;

/// A writer's memory of the catalogue. Never shared between writers.
pub struct Cache {
    config: Config,
    version: i64,
    items: HashMap<String, Arc<Item>>,
    channels: HashMap<String, ChannelRow>,
    lists: HashMap<String, PriceList>,
}

impl Cache {
    /// An empty memory.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, version: -1, items: HashMap::new(), channels: HashMap::new(), lists: HashMap::new() }
    }

    /// Brings the memory to `version` or later, with all products the drafts name.
    pub(super) async fn load(&mut self, conn: &mut PgConnection, version: i64, drafts: &[&Draft]) -> sqlx::Result<()> {
        if self.version != version {
            self.version = -1;
            self.items.clear();
            let (channels, lists) = store::policies_data(conn).await?;
            self.channels = channels.into_iter().map(|channel| (channel.code.clone(), channel)).collect();
            self.lists = lists.into_iter().map(|list| (list.code.clone(), list)).collect();
        }
        if self.items.len() > MOST_ITEMS {
            self.items.clear();
        }
        let goods = drafts.iter().flat_map(|draft| &draft.lines).filter(|line| line.kind == LineKind::Goods);
        let missing: HashSet<_> =
            goods.map(|line| line.sku.as_str()).filter(|sku| !self.items.contains_key(*sku)).collect();
        if !missing.is_empty() {
            let missing: Vec<_> = missing.into_iter().collect();
            let lists: Vec<_> = self.lists.keys().map(String::as_str).collect();
            let items = store::items(conn, &missing, &lists).await?;
            self.items.extend(items.into_iter().map(|item| (item.sku.clone(), item)));
        }
        self.version = version;
        Ok(())
    }

    /// A product by its sku.
    pub(super) fn item(&self, sku: &str) -> Option<&Arc<Item>> {
        self.items.get(sku)
    }

    /// How orders of a channel are treated.
    pub(super) fn policy(&self, channel: &str) -> Policy {
        let config = &self.config;
        let listed = self.channels.get(channel);
        let list_code = match listed {
            Some(row) => row.price_list.as_deref(),
            None => Some(config.orders_price_list.as_str()),
        };
        let list = list_code.and_then(|code| self.lists.get(code));
        let include_otherwise = listed.map_or(config.orders_prices_include_tax, |row| row.prices_include_tax);
        Policy {
            price_list: list.map(|list| list.code.as_str().into()),
            list_currency: list.map(|list| list.currency),
            price_authoritative: listed.map_or_else(
                || config.orders_authoritative_channels.iter().any(|code| code == channel),
                |row| row.price_authoritative,
            ),
            prices_include_tax: list.map_or(include_otherwise, |list| list.vat_included),
            rounding: match listed.and_then(|row| row.tax_rounding.as_deref()) {
                Some("per_line") => TaxRounding::PerLine,
                Some("per_unit") => TaxRounding::PerUnit,
                _ => config.orders_tax_rounding,
            },
            tolerance: listed.map_or(config.orders_tolerance, |row| row.tolerance),
            charge_tax_rate: config.orders_vat_rate,
        }
    }
}
