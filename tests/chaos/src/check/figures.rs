//! 27 and 28: figures and scores, computed again from where they come from.

use std::collections::BTreeMap;

use proto::crm::v1::CustomerOrder;
use proto::kpi::v1::Figures;
use proto::orders::v1::{LineKind, Order};
use rust_decimal::Decimal;

use super::values::{amount, dec, quantity};
use super::{Evidence, Finding};
use crate::picture::{KpiPicture, OrderPicture};

/// The figures of one order as orders and erp tell them.
#[derive(Default)]
struct Sums {
    orders: i64,
    lines: i64,
    units: Decimal,
    gross: Decimal,
    discount: Decimal,
    placed: Decimal,
    cancelled: Decimal,
    returned: Decimal,
    cost: Decimal,
}

fn sums_of(order: &Order, cost: Decimal) -> Sums {
    let Some(head) = &order.summary else { return Sums::default() };
    let goods = || {
        let lines = order.lines.iter().filter_map(|view| view.line.as_ref());
        lines.filter(|line| line.kind() == LineKind::Goods)
    };
    Sums {
        orders: 1,
        lines: i64::try_from(goods().count()).unwrap_or(i64::MAX),
        units: goods().map(|line| quantity(&line.quantity)).sum(),
        gross: amount(&head.gross),
        discount: amount(&head.discount),
        placed: amount(&head.total),
        cancelled: amount(&head.cancelled_amount),
        returned: amount(&head.returned_amount),
        cost,
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.orders += other.orders;
        self.lines += other.lines;
        self.units += other.units;
        self.gross += other.gross;
        self.discount += other.discount;
        self.placed += other.placed;
        self.cancelled += other.cancelled;
        self.returned += other.returned;
        self.cost += other.cost;
    }

    fn compare(&self, what: &str, figures: &Figures, finding: &mut Finding) {
        finding.equal(|| format!("{what}: orders"), figures.orders, self.orders);
        finding.equal(|| format!("{what}: lines"), figures.lines, self.lines);
        finding.equal(|| format!("{what}: units"), dec(&figures.units), self.units);
        for (name, said, sum) in [
            ("gross", &figures.gross, self.gross),
            ("discount", &figures.discount, self.discount),
            ("placed", &figures.placed, self.placed),
            ("cancelled", &figures.cancelled, self.cancelled),
            ("returned", &figures.returned, self.returned),
            ("cost", &figures.cost, self.cost),
        ] {
            finding.equal(|| format!("{what}: {name}"), amount(said), sum);
        }
        let revenue = self.placed - self.cancelled - self.returned - amount(&figures.uncollected);
        finding.equal(|| format!("{what}: revenue"), amount(&figures.revenue), revenue);
        let margin = amount(&figures.net_sales) - self.cost;
        finding.equal(|| format!("{what}: margin"), amount(&figures.margin), margin);
    }
}

/// Cost of what left an order's way and did not come back into the house, from the ledger.
fn costs(evidence: &Evidence) -> BTreeMap<&str, Decimal> {
    let mut costs: BTreeMap<&str, Decimal> = BTreeMap::new();
    for one in evidence.quiet.moves() {
        let value = amount(&one.value);
        let signed = match (one.from_place.as_str(), one.to_place.as_str()) {
            (_, "CUSTOMER") => value,
            // Thrown away it is a loss and stays a cost.
            ("CUSTOMER", to) if to != "LOSS" => -value,
            _ => continue,
        };
        *costs.entry(&one.order_id).or_default() += signed;
    }
    costs
}

fn uncollected_is_possible(order: &OrderPicture) -> bool {
    order.order.lines.iter().any(|line| !quantity(&line.failed).is_zero())
}

/// 27.
pub(super) fn recomputed_and_rebuilt(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let costs = costs(evidence);
    let mut all = Sums::default();
    let (mut by_customer, mut received, mut refunded): (BTreeMap<&str, Sums>, Decimal, Decimal) = Default::default();
    let kpi = &evidence.quiet.kpi;
    for (order_id, order) in &evidence.quiet.orders {
        let Some(head) = &order.order.summary else { continue };
        let sums = sums_of(&order.order, costs.get(order_id.as_str()).copied().unwrap_or_default());
        let figures = kpi.by_region.get(&head.region).cloned().unwrap_or_default();
        sums.compare(&format!("order {order_id}"), &figures, &mut finding);
        if !uncollected_is_possible(order) {
            finding.equal(|| format!("order {order_id}: uncollected"), amount(&figures.uncollected), Decimal::ZERO);
        }
        by_customer.entry(&head.customer_id).or_default().add(&sums);
        all.add(&sums);
        received += amount(&head.paid);
        refunded += amount(&head.refunded);
    }
    all.compare("all orders", &kpi.summary.figures.clone().unwrap_or_default(), &mut finding);
    finding.equal(|| "received".to_owned(), amount(&kpi.summary.received), received);
    finding.equal(|| "refunded".to_owned(), amount(&kpi.summary.refunded), refunded);
    for (customer, sums) in by_customer {
        let figures = kpi.by_customer.get(customer).cloned().unwrap_or_default();
        sums.compare(&format!("customer {customer}"), &figures, &mut finding);
    }
    rebuilt(kpi, &evidence.rebuilt, &mut finding);
    finding
}

fn rebuilt(before: &KpiPicture, after: &KpiPicture, finding: &mut Finding) {
    for (name, before, after) in [
        ("region", &before.by_region, &after.by_region),
        ("product", &before.by_product, &after.by_product),
        ("customer", &before.by_customer, &after.by_customer),
        ("day", &before.by_day, &after.by_day),
    ] {
        for (key, figures) in before {
            finding.equal(|| format!("{name} {key:?} rebuilt"), Some(figures), after.get(key));
        }
        for key in after.keys().filter(|key| !before.contains_key(*key)) {
            finding.expect(false, || format!("{name} {key:?} came with the rebuild"));
        }
    }
    finding.equal(|| "the summary rebuilt".to_owned(), &before.summary, &after.summary);
    finding.equal(|| "stock rebuilt".to_owned(), &before.stock, &after.stock);
}

/// 28.
pub(super) fn customers(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let mut orders: BTreeMap<&str, Vec<&CustomerOrder>> = BTreeMap::new();
    for order in evidence.quiet.orders.values().filter_map(|order| order.crm.as_ref()) {
        orders.entry(&order.customer_id).or_default().push(order);
    }
    for (customer_id, customer) in &evidence.quiet.customers {
        let own = orders.remove(customer_id.as_str()).unwrap_or_default();
        let Some(figures) = &customer.figures else {
            finding.expect(own.is_empty(), || format!("customer {customer_id} has orders and no figures"));
            continue;
        };
        let count = |holds: fn(&CustomerOrder) -> bool| {
            i64::try_from(own.iter().filter(|order| holds(order)).count()).unwrap_or(i64::MAX)
        };
        let what = |name: &'static str| move || format!("customer {customer_id}: {name}");
        finding.equal(what("placed orders"), figures.placed_orders, count(|_| true));
        finding.equal(what("orders"), figures.orders, count(|order| order.state != "cancelled"));
        finding.equal(
            what("not collected"),
            figures.not_collected_orders,
            count(|order| order.state == "not_collected"),
        );
        let sum = |part: fn(&CustomerOrder) -> Decimal| own.iter().map(|order| part(order)).sum::<Decimal>();
        finding.equal(what("returns"), figures.returns, own.iter().map(|order| i64::from(order.returns)).sum());
        finding.equal(what("sum"), amount(&figures.order_sum), sum(|order| amount(&order.net)));
        finding.expect(!customer.score.is_empty(), || format!("customer {customer_id} has no score"));
    }
    for customer_id in orders.keys() {
        finding.expect(false, || format!("orders of the customer {customer_id}, who is none"));
    }
    finding.equal(|| "customers gone through".to_owned(), evidence.rescore.customers, {
        i64::try_from(evidence.quiet.customers.len()).unwrap_or(i64::MAX)
    });
    finding.equal(|| "figures that a recount corrected".to_owned(), evidence.rescore.corrected, 0);
    finding.equal(|| "scores that a second run changed".to_owned(), evidence.rescore.changed_again, 0);
    finding
}
