//! The company as its public API tells of it once it is quiet, and what only SQL can tell: outboxes and inboxes.
//!
//! Reading order: the structures here, [`read`] (through the API, paged), [`events`] (SQL).

pub(crate) mod events;
pub(crate) mod kpi;
pub(crate) mod logs;
pub(crate) mod read;

use std::collections::BTreeMap;

use proto::crm::v1::{Customer, CustomerOrder};
use proto::erp::v1::{
    Availability, GetStockResponse, Item, Move, Receipt, Reservation, Shipment, VerifyLedgerResponse,
};
use proto::knowledge::v1::{Page, PageVersion};
use proto::kpi::v1::{Figures, GetFactsStatusResponse, GetSummaryResponse, StockRow};
use proto::messaging::v1::DeadLetter;
use proto::orders::v1::{Order, OrderReturn, Payment, PriceHistoryEntry, Product, TimelineEntry};
use proto::tasks::v1::{Comment, Task, TaskChange};

/// Everything all services say of one order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OrderPicture {
    /// orders: the order.
    pub(crate) order: Order,
    /// orders: its payments.
    pub(crate) payments: Vec<Payment>,
    /// orders: its returns.
    pub(crate) returns: Vec<OrderReturn>,
    /// orders: its timeline.
    pub(crate) timeline: Vec<TimelineEntry>,
    /// erp: what it holds.
    pub(crate) reservation: Option<Reservation>,
    /// erp: its shipments.
    pub(crate) shipments: Vec<Shipment>,
    /// crm: the order as crm remembers it.
    pub(crate) crm: Option<CustomerOrder>,
}

/// Everything erp says of one item.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ItemPicture {
    /// Totals.
    pub(crate) item: Item,
    /// Balances by place and lot.
    pub(crate) stock: GetStockResponse,
    /// What can be promised.
    pub(crate) availability: Availability,
    /// The ledger, oldest first.
    pub(crate) moves: Vec<Move>,
}

/// What kpi reports.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KpiPicture {
    /// Every order has a region of its own: the picture kpi has of each.
    pub(crate) by_region: BTreeMap<String, Figures>,
    /// By sku.
    pub(crate) by_product: BTreeMap<String, Figures>,
    /// By customer.
    pub(crate) by_customer: BTreeMap<String, Figures>,
    /// By day.
    pub(crate) by_day: BTreeMap<String, Figures>,
    /// Everything.
    pub(crate) summary: GetSummaryResponse,
    /// Movements by sku.
    pub(crate) stock: BTreeMap<String, StockRow>,
    /// How the facts are.
    pub(crate) facts: GetFactsStatusResponse,
}

/// A task with what was said and done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TaskPicture {
    /// The task.
    pub(crate) task: Task,
    /// Its comments.
    pub(crate) comments: Vec<Comment>,
    /// Its changes.
    pub(crate) changes: Vec<TaskChange>,
}

/// A page with all its versions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PagePicture {
    /// As it is now.
    pub(crate) page: Page,
    /// The list of versions, oldest first.
    pub(crate) versions: Vec<PageVersion>,
    /// The text of each version, in the same order.
    pub(crate) bodies: Vec<String>,
}

/// What a search for one word found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// Pages.
    pub(crate) pages: Vec<String>,
    /// Similar words were taken instead.
    pub(crate) corrected: bool,
}

/// An event of an outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Published {
    /// Its id.
    pub(crate) event_id: String,
    /// Its name.
    pub(crate) name: String,
    /// Kind and id of its aggregate.
    pub(crate) aggregate: String,
    /// Version of the aggregate.
    pub(crate) version: i64,
    /// Where it is in the stream; `None` while it waits.
    pub(crate) seq: Option<i64>,
}

/// What a consumer has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Consumer.
    pub(crate) consumer: String,
    /// Service whose events it takes.
    pub(crate) source: String,
    /// Ids of the events.
    pub(crate) event_ids: Vec<String>,
}

/// Outboxes and inboxes, by SQL: no RPC shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    /// By service, in the order they were appended.
    pub(crate) outboxes: BTreeMap<String, Vec<Published>>,
    /// All consumers.
    pub(crate) inboxes: Vec<Taken>,
}

/// The company.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Picture {
    /// By order id.
    pub(crate) orders: BTreeMap<String, OrderPicture>,
    /// By sku.
    pub(crate) items: BTreeMap<String, ItemPicture>,
    /// By sku.
    pub(crate) products: BTreeMap<String, Product>,
    /// Everything that was ever set in the price list, by sku.
    pub(crate) prices: BTreeMap<String, Vec<PriceHistoryEntry>>,
    /// The recount erp makes.
    pub(crate) ledger: VerifyLedgerResponse,
    /// By receipt id: those that were acknowledged.
    pub(crate) receipts: BTreeMap<String, Receipt>,
    /// By customer id.
    pub(crate) customers: BTreeMap<String, Customer>,
    /// The figures.
    pub(crate) kpi: KpiPicture,
    /// By task id, all projects.
    pub(crate) tasks: BTreeMap<String, TaskPicture>,
    /// The number each project says its newest task has.
    pub(crate) last_numbers: BTreeMap<String, i64>,
    /// By page id.
    pub(crate) pages: BTreeMap<String, PagePicture>,
    /// By word.
    pub(crate) searches: BTreeMap<String, Found>,
    /// Events set aside, by service.
    pub(crate) dead: BTreeMap<String, Vec<DeadLetter>>,
    /// Outboxes and inboxes.
    pub(crate) events: Events,
}

impl Picture {
    /// The order with the shop's id.
    pub(crate) fn by_external_id(&self) -> BTreeMap<&str, Vec<&OrderPicture>> {
        let mut found: BTreeMap<&str, Vec<&OrderPicture>> = BTreeMap::new();
        for order in self.orders.values() {
            if let Some(summary) = &order.order.summary {
                found.entry(&summary.external_id).or_default().push(order);
            }
        }
        found
    }

    /// All movements of all items in the order of posting.
    pub(crate) fn moves(&self) -> Vec<&Move> {
        let mut moves: Vec<&Move> = self.items.values().flat_map(|item| &item.moves).collect();
        moves.sort_by_key(|one| one.id);
        moves
    }
}
