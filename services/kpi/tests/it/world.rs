//! Events as the other services publish them, made by hand or at random.

use messaging::Event;
use proto::common::v1::{Money, Quantity};
use proto::crm::v1::{self as crm, CrmEvent, crm_event::Event as Crm};
use proto::erp::v1::{self as erp, ErpEvent, erp_event::Event as Erp};
use proto::orders::v1::{self as orders, OrdersEvent, orders_event::Event as Orders};
use proto::tasks::v1::{self as tasks, TasksEvent, tasks_event::Event as Tasks};
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// A Monday at noon in Moscow.
pub(crate) const MONDAY: OffsetDateTime = datetime!(2026-02-02 12:00 +3);

/// A stable id made of a number.
pub(crate) fn id(kind: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(kind << 32, number)
}

pub(crate) fn rub(minor: i64) -> Option<Money> {
    money(minor, "RUB")
}

pub(crate) fn money(minor: i64, currency: &str) -> Option<Money> {
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, rest) = (minor.abs() / 100, minor.abs() % 100);
    Some(Money { currency: currency.to_owned(), amount: format!("{sign}{whole}.{rest:02}") })
}

pub(crate) fn pcs(value: i64) -> Option<Quantity> {
    Some(Quantity { value: value.to_string(), unit: "pcs".to_owned() })
}

pub(crate) fn stamp(at: OffsetDateTime) -> Option<prost_types::Timestamp> {
    Some(proto::to_timestamp(at))
}

/// A line of an order, money in minor units.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) goods: bool,
    pub(crate) sku: String,
    pub(crate) category: String,
    pub(crate) brand: String,
    pub(crate) quantity: i64,
    pub(crate) total: i64,
    pub(crate) discount: i64,
    pub(crate) tax: i64,
}

pub(crate) fn goods(sku: &str, category: &str, brand: &str, quantity: i64, total: i64) -> Line {
    let (sku, category, brand) = (sku.to_owned(), category.to_owned(), brand.to_owned());
    Line { goods: true, sku, category, brand, quantity, total, discount: 0, tax: 0 }
}

pub(crate) fn charge(code: &str, total: i64) -> Line {
    Line { goods: false, ..goods(code, "", "", 1, total) }
}

/// An order and the versions its events have got so far.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    pub(crate) at: OffsetDateTime,
    pub(crate) channel: String,
    pub(crate) region: String,
    pub(crate) delivery: String,
    pub(crate) payment: String,
    pub(crate) currency: String,
    pub(crate) confirmed: bool,
    pub(crate) lines: Vec<Line>,
    orders_version: i64,
    erp_version: i64,
}

/// An order of the web channel, placed and confirmed.
pub(crate) fn order(number: u64, at: OffsetDateTime, lines: Vec<Line>) -> Order {
    Order {
        id: id(1, number),
        at,
        channel: "web".to_owned(),
        region: "RU-MOW".to_owned(),
        delivery: "courier".to_owned(),
        payment: "card".to_owned(),
        currency: "RUB".to_owned(),
        confirmed: true,
        lines,
        orders_version: 0,
        erp_version: 0,
    }
}

/// Part of a line: number, quantity, amount and tax in minor units.
pub(crate) type Part = (i32, i64, i64, i64);

impl Order {
    fn money(&self, minor: i64) -> Option<Money> {
        money(minor, &self.currency)
    }

    pub(crate) fn orders_event(&mut self, fact: Orders) -> Event {
        self.orders_version += 1;
        testkit::event_at(self.id, self.orders_version, self.at, &OrdersEvent { event: Some(fact) })
    }

    pub(crate) fn erp_event(&mut self, fact: Erp) -> Event {
        self.erp_version += 1;
        testkit::event_at(self.id, self.erp_version, self.at, &ErpEvent { event: Some(fact) })
    }

    fn wire_lines(&self) -> Vec<orders::OrderLine> {
        let lines = self.lines.iter().zip(1..).map(|(line, line_no)| orders::OrderLine {
            line_no,
            kind: if line.goods { orders::LineKind::Goods } else { orders::LineKind::Charge }.into(),
            sku: line.sku.clone(),
            quantity: pcs(line.quantity),
            unit_price: self.money((line.total + line.discount) / line.quantity),
            discount: self.money(line.discount),
            tax: self.money(line.tax),
            total: self.money(line.total),
            category: line.category.clone(),
            brand: line.brand.clone(),
        });
        lines.collect()
    }

    pub(crate) fn placed(&mut self) -> Event {
        let sum = |of: fn(&Line) -> i64| self.lines.iter().map(of).sum::<i64>();
        let fact = orders::OrderPlaced {
            order_id: self.id.to_string(),
            number: format!("W-{}", self.id.as_u128() & 0xffff_ffff),
            channel: self.channel.clone(),
            external_id: self.id.to_string(),
            placed_at: stamp(self.at),
            region: self.region.clone(),
            delivery_method: self.delivery.clone(),
            payment_method: self.payment.clone(),
            lines: self.wire_lines(),
            gross: self.money(sum(|line| line.total + line.discount)),
            discount: self.money(sum(|line| line.discount)),
            tax: self.money(sum(|line| line.tax)),
            total: self.money(sum(|line| line.total)),
            confirmed: self.confirmed,
            hold_reasons: Vec::new(),
            priority: 0,
            warehouse: String::new(),
            has_contact: true,
            hold_id: String::new(),
        };
        self.orders_event(Orders::OrderPlaced(fact))
    }

    pub(crate) fn confirmed_at(&mut self, at: OffsetDateTime) -> Event {
        let fact = orders::OrderConfirmed {
            order_id: self.id.to_string(),
            lines: self.wire_lines(),
            confirmed_at: stamp(at),
            ..Default::default()
        };
        self.orders_event(Orders::OrderConfirmed(fact))
    }

    fn changes(&self, parts: &[Part]) -> Vec<orders::LineChange> {
        let change = |(line_no, quantity, amount, tax): &Part| {
            let line = &self.lines[usize::try_from(*line_no).unwrap() - 1];
            orders::LineChange {
                line_no: *line_no,
                sku: line.sku.clone(),
                quantity: pcs(*quantity),
                amount: self.money(*amount),
                discount: self.money(0),
                kind: if line.goods { orders::LineKind::Goods } else { orders::LineKind::Charge }.into(),
                tax: self.money(*tax),
            }
        };
        parts.iter().map(change).collect()
    }

    pub(crate) fn lines_cancelled(&mut self, at: OffsetDateTime, parts: &[Part]) -> Event {
        let fact = orders::OrderLinesCancelled {
            order_id: self.id.to_string(),
            reason: "buyer_request".to_owned(),
            lines: self.changes(parts),
            cancelled_at: stamp(at),
        };
        self.orders_event(Orders::OrderLinesCancelled(fact))
    }

    pub(crate) fn cancelled(&mut self, at: OffsetDateTime, parts: &[Part]) -> Event {
        let fact = orders::OrderCancelled {
            order_id: self.id.to_string(),
            reason: "not_paid".to_owned(),
            lines: self.changes(parts),
            cancelled_at: stamp(at),
        };
        self.orders_event(Orders::OrderCancelled(fact))
    }

    pub(crate) fn returned(&mut self, at: OffsetDateTime, number: u64, parts: &[Part]) -> Event {
        let fact = orders::OrderReturned {
            order_id: self.id.to_string(),
            return_id: id(2, number).to_string(),
            lines: self.changes(parts),
            reason: "defect".to_owned(),
            outcome: orders::ReturnOutcome::Restock.into(),
            returned_at: stamp(at),
        };
        self.orders_event(Orders::OrderReturned(fact))
    }

    pub(crate) fn moved(&mut self, machine: orders::StateMachine, to: &str) -> Event {
        self.moved_at(self.at, machine, to)
    }

    /// The warehouse holds what was ordered, in full or in part.
    pub(crate) fn allocated(&mut self, at: OffsetDateTime, complete: bool) -> Event {
        let to = if complete { "reserved" } else { "partially_reserved" };
        self.moved_at(at, orders::StateMachine::Fulfilment, to)
    }

    fn moved_at(&mut self, at: OffsetDateTime, machine: orders::StateMachine, to: &str) -> Event {
        let fact = orders::OrderStateChanged {
            order_id: self.id.to_string(),
            machine: machine.into(),
            to_state: to.to_owned(),
            changed_at: stamp(at),
            ..Default::default()
        };
        self.orders_event(Orders::OrderStateChanged(fact))
    }

    pub(crate) fn paid(&mut self, at: OffsetDateTime, number: u64, minor: i64, state: &str) -> Event {
        let fact = orders::PaymentRecorded {
            order_id: self.id.to_string(),
            payment_id: id(3, number).to_string(),
            method: self.payment.clone(),
            amount: self.money(minor),
            paid_total: self.money(minor),
            payment_state: state.to_owned(),
            paid_at: stamp(at),
        };
        self.orders_event(Orders::PaymentRecorded(fact))
    }

    pub(crate) fn picking(&mut self, at: OffsetDateTime, shipment: u64) -> Event {
        let (order_id, shipment_id) = (self.id.to_string(), id(4, shipment).to_string());
        self.erp_event(Erp::PickingStarted(erp::PickingStarted { order_id, shipment_id, started_at: stamp(at) }))
    }

    pub(crate) fn packed(&mut self, at: OffsetDateTime, shipment: u64) -> Event {
        let fact = erp::ShipmentPacked {
            order_id: self.id.to_string(),
            shipment_id: id(4, shipment).to_string(),
            places: 1,
            weight_grams: String::new(),
            packed_at: stamp(at),
        };
        self.erp_event(Erp::ShipmentPacked(fact))
    }

    /// Line number, quantity and cost in minor units.
    fn shipment_lines(&self, lines: &[(i32, i64, i64)]) -> Vec<erp::ShipmentLine> {
        let line = |(line_no, quantity, cost): &(i32, i64, i64)| erp::ShipmentLine {
            line_no: *line_no,
            sku: self.lines[usize::try_from(*line_no).unwrap() - 1].sku.clone(),
            lot: "L1".to_owned(),
            quantity: pcs(*quantity),
            cost: rub(*cost),
        };
        lines.iter().map(line).collect()
    }

    pub(crate) fn shipped(&mut self, at: OffsetDateTime, shipment: u64, lines: &[(i32, i64, i64)]) -> Event {
        let fact = erp::ShipmentShipped {
            order_id: self.id.to_string(),
            shipment_id: id(4, shipment).to_string(),
            lines: self.shipment_lines(lines),
            cost: rub(lines.iter().map(|line| line.2).sum()),
            r#final: true,
            carrier: "cdek".to_owned(),
            tracking_number: String::new(),
            shipped_at: stamp(at),
            warehouse: "MSK".to_owned(),
        };
        self.erp_event(Erp::ShipmentShipped(fact))
    }

    pub(crate) fn delivered(&mut self, at: OffsetDateTime, shipment: u64) -> Event {
        let fact = erp::ShipmentDelivered {
            order_id: self.id.to_string(),
            shipment_id: id(4, shipment).to_string(),
            r#final: true,
            delivered_at: stamp(at),
        };
        self.erp_event(Erp::ShipmentDelivered(fact))
    }

    pub(crate) fn failed(&mut self, at: OffsetDateTime, shipment: u64, lines: &[(i32, i64, i64)]) -> Event {
        let fact = erp::ShipmentFailed {
            order_id: self.id.to_string(),
            shipment_id: id(4, shipment).to_string(),
            reason: "not_collected".to_owned(),
            lines: self.shipment_lines(lines),
            cost: rub(lines.iter().map(|line| line.2).sum()),
            failed_at: stamp(at),
        };
        self.erp_event(Erp::ShipmentFailed(fact))
    }

    pub(crate) fn stock_returned(
        &mut self,
        at: OffsetDateTime,
        number: u64,
        outcome: &str,
        lines: &[(i32, i64, i64)],
    ) -> Event {
        let fact = erp::StockReturned {
            order_id: self.id.to_string(),
            return_id: id(2, number).to_string(),
            lines: self.shipment_lines(lines),
            cost: rub(lines.iter().map(|line| line.2).sum()),
            outcome: outcome.to_owned(),
            returned_at: stamp(at),
        };
        self.erp_event(Erp::StockReturned(fact))
    }

    /// As crm would say it; `version` is the customer's.
    pub(crate) fn identified(&self, customer: u64, version: i64, first_order: bool) -> Event {
        self.identified_at(customer, version, first_order, self.at)
    }

    pub(crate) fn identified_at(&self, customer: u64, version: i64, first_order: bool, at: OffsetDateTime) -> Event {
        let fact = crm::CustomerIdentified {
            customer_id: id(5, customer).to_string(),
            order_id: self.id.to_string(),
            first_order,
            identified_at: stamp(at),
            created: first_order.then(|| created(customer)),
            scored: Some(scored(customer)),
        };
        testkit::event_at(id(5, customer), version, at, &CrmEvent { event: Some(Crm::CustomerIdentified(fact)) })
    }
}

fn created(customer: u64) -> crm::CustomerCreated {
    let customer_id = id(5, customer).to_string();
    crm::CustomerCreated { customer_id, region: "RU-MOW".to_owned(), created_at: stamp(MONDAY) }
}

fn scored(customer: u64) -> crm::CustomerScored {
    let (customer_id, total, grade) = (id(5, customer).to_string(), "75.50".to_owned(), "B".to_owned());
    crm::CustomerScored { customer_id, total, grade, ..Default::default() }
}

fn customer_created(number: u64) -> Event {
    testkit::event(id(5, number), 1, &CrmEvent { event: Some(Crm::CustomerCreated(created(number))) })
}

/// The second event of a customer.
pub(crate) fn customer_scored(number: u64) -> Event {
    testkit::event(id(5, number), 2, &CrmEvent { event: Some(Crm::CustomerScored(scored(number))) })
}

pub(crate) fn product(number: u64, version: i64, sku: &str, name: &str) -> Event {
    let fact = orders::ProductChanged {
        product_id: id(6, number).to_string(),
        sku: sku.to_owned(),
        name: name.to_owned(),
        unit: "pcs".to_owned(),
        status: "active".to_owned(),
        ..Default::default()
    };
    testkit::event(id(6, number), version, &OrdersEvent { event: Some(Orders::ProductChanged(fact)) })
}

pub(crate) fn task_opened(number: u64, at: OffsetDateTime) -> Event {
    let fact = tasks::TaskOpened { task_id: id(7, number).to_string(), opened_at: stamp(at), ..Default::default() };
    testkit::event(id(7, number), 1, &TasksEvent { event: Some(Tasks::TaskOpened(fact)) })
}

pub(crate) fn task_moved(number: u64, version: i64, to: &str) -> Event {
    let (task_id, to_state) = (id(7, number).to_string(), to.to_owned());
    let fact = tasks::TaskMoved { task_id, to_state, moved_at: stamp(MONDAY), ..Default::default() };
    testkit::event(id(7, number), version, &TasksEvent { event: Some(Tasks::TaskMoved(fact)) })
}

pub(crate) fn task_closed(number: u64, version: i64, at: OffsetDateTime) -> Event {
    let (task_id, state) = (id(7, number).to_string(), "done".to_owned());
    let fact = tasks::TaskClosed { task_id, state, closed_at: stamp(at), ..Default::default() };
    testkit::event(id(7, number), version, &TasksEvent { event: Some(Tasks::TaskClosed(fact)) })
}

pub(crate) fn received(number: u64, at: OffsetDateTime, sku: &str, quantity: i64, cost: i64) -> Event {
    let line =
        erp::ReceivedLine { sku: sku.to_owned(), quantity: pcs(quantity), cost: rub(cost), ..Default::default() };
    let fact = erp::GoodsReceived {
        receipt_id: id(8, number).to_string(),
        lines: vec![line],
        received_at: stamp(at),
        ..Default::default()
    };
    testkit::event(id(8, number), 1, &ErpEvent { event: Some(Erp::GoodsReceived(fact)) })
}

pub(crate) fn depleted(sku: &str, version: i64, at: OffsetDateTime) -> Event {
    let fact = erp::StockDepleted { sku: sku.to_owned(), depleted_at: stamp(at), ..Default::default() };
    testkit::event(sku, version, &ErpEvent { event: Some(Erp::StockDepleted(fact)) })
}

pub(crate) fn replenished(sku: &str, version: i64, at: OffsetDateTime) -> Event {
    let fact = erp::StockReplenished { sku: sku.to_owned(), replenished_at: stamp(at), ..Default::default() };
    testkit::event(sku, version, &ErpEvent { event: Some(Erp::StockReplenished(fact)) })
}

/// Repeatable chance (xorshift64*).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }

    pub(crate) fn in_ten(&mut self, chance: u64) -> bool {
        self.below(10) < chance
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(to - from + 1).unwrap())).unwrap()
    }
}

/// A stream of events of one aggregate of one service: their order is kept.
pub(crate) type Stream = Vec<Event>;

/// Lives of that many orders over about 70 days, as streams of events.
pub(crate) fn random_streams(seed: u64, orders: u64) -> Vec<Stream> {
    let mut chance = Chance::new(seed);
    let mut streams: Vec<Stream> = Vec::new();
    let mut customers: Vec<Stream> =
        (0..12).map(|number| vec![customer_created(number), customer_scored(number)]).collect();
    for number in 0..orders {
        let order = random_order(&mut chance, number);
        live(&mut chance, order, number, &mut streams, &mut customers);
    }
    for product_no in 0..6 {
        let sku = format!("SKU-{product_no}");
        streams.push(vec![
            product(product_no, 1, &sku, "Old"),
            product(product_no, 2, &sku, &format!("Name {product_no}")),
        ]);
        let at = MONDAY + Duration::hours(chance.between(0, 300));
        streams.push(vec![received(product_no, at, &sku, 100, 12_345)]);
        streams.push(vec![depleted(&sku, 1, at), replenished(&sku, 2, at + Duration::hours(5))]);
    }
    for task in 0..orders / 2 {
        let at = MONDAY + Duration::hours(chance.between(0, 1_000));
        let mut stream = vec![task_opened(task, at), task_moved(task, 2, "doing")];
        if chance.in_ten(6) {
            stream.extend([task_moved(task, 3, "done"), task_closed(task, 4, at + Duration::hours(30))]);
            if chance.in_ten(2) {
                stream.push(task_moved(task, 5, "doing"));
            }
        }
        streams.push(stream);
    }
    streams.extend(customers);
    streams
}

fn random_order(chance: &mut Chance, number: u64) -> Order {
    let at = MONDAY + Duration::minutes(chance.between(0, 60 * 24 * 70));
    let mut lines = Vec::new();
    for _ in 0..=chance.below(3) {
        let product = chance.below(6);
        let category = ["Fishing/Lures/Jigs/Soft", "Fishing/Rods", "Sport", "Fishing/Lures"][product as usize % 4];
        let quantity = chance.between(1, 7);
        let mut line =
            goods(&format!("SKU-{product}"), category, ["Orka", "Shelf", ""][product as usize % 3], quantity, 0);
        line.total = chance.between(0, 50_000);
        line.discount = if chance.in_ten(4) { chance.between(1, 5_000) } else { 0 };
        line.tax = line.total * 22 / 122;
        lines.push(line);
    }
    if chance.in_ten(5) {
        lines.push(charge("DELIVERY", 30_000));
    }
    let mut order = order(number, at, lines);
    order.channel = ["web", "phone", "market"][chance.below(3) as usize].to_owned();
    order.region = ["RU-MOW", "RU-SPE", "", "RU-KDA"][chance.below(4) as usize].to_owned();
    order.delivery = ["courier", "pickup", ""][chance.below(3) as usize].to_owned();
    order.payment = ["card", "cod"][chance.below(2) as usize].to_owned();
    order.currency = if chance.in_ten(1) { "KZT" } else { "RUB" }.to_owned();
    order.confirmed = chance.in_ten(7);
    order
}

fn live(chance: &mut Chance, mut order: Order, number: u64, streams: &mut Vec<Stream>, customers: &mut [Stream]) {
    let mut own = vec![order.placed()];
    let mut stock = Vec::new();
    let at = order.at + Duration::hours(1);
    if !order.confirmed {
        own.push(order.confirmed_at(at));
    }
    let mut left: Vec<(i32, i64, i64, i64)> =
        order.lines.iter().zip(1..).map(|(line, no)| (no, line.quantity, line.total, line.tax)).collect();
    if chance.in_ten(2) {
        let (no, quantity, total, tax) = left[0];
        let part = chance.between(1, quantity);
        let share = |of: i64| of * part / quantity;
        own.push(order.lines_cancelled(at, &[(no, part, share(total), share(tax))]));
        left[0] = (no, quantity - part, total - share(total), tax - share(tax));
    }
    left.retain(|line| line.1 > 0);
    if chance.in_ten(1) && !left.is_empty() {
        own.push(order.cancelled(at + Duration::hours(1), &left));
        own.push(order.moved(orders::StateMachine::Order, "cancelled"));
        streams.push(own);
        return;
    }
    let full: i64 = left.iter().map(|line| line.2).sum();
    own.push(order.paid(at, number * 10, full, "paid"));
    let ship: Vec<(i32, i64, i64)> = left
        .iter()
        .filter(|line| order.lines[line.0 as usize - 1].goods)
        .map(|line| (line.0, line.1, line.1 * 777))
        .collect();
    own.push(order.allocated(at, chance.in_ten(8)));
    if chance.in_ten(8) && !ship.is_empty() {
        stock.push(order.picking(at + Duration::hours(2), number * 10));
        stock.push(order.packed(at + Duration::hours(3), number * 10));
        shipments(chance, &mut order, number, &ship, &mut stock);
        if chance.in_ten(2) {
            let (no, quantity, total, tax) = left[0];
            let part = chance.between(1, quantity);
            own.push(order.returned(
                at + Duration::days(4),
                number,
                &[(no, part, total * part / quantity, tax * part / quantity)],
            ));
            let outcome = ["restock", "repair", "write_off"][chance.below(3) as usize];
            stock.push(order.stock_returned(at + Duration::days(4), number, outcome, &[(no, part, part * 777)]));
            own.push(order.paid(
                at + Duration::days(5),
                number * 10 + 1,
                -total * part / quantity,
                "partially_refunded",
            ));
        }
    }
    own.push(order.moved(orders::StateMachine::Fulfilment, "shipped"));
    let customer = chance.below(14) as usize;
    if let Some(stream) = customers.get_mut(customer) {
        let version = i64::try_from(stream.len()).unwrap() + 1;
        stream.push(order.identified(customer as u64, version, version == 3));
    }
    streams.extend([own, stock]);
}

/// One or two shipments; delivered, or failed and perhaps sent again.
fn shipments(chance: &mut Chance, order: &mut Order, number: u64, ship: &[(i32, i64, i64)], stock: &mut Stream) {
    let at = order.at + Duration::hours(chance.between(5, 60));
    let mut parts = vec![ship.to_vec()];
    if chance.in_ten(3) && ship[0].1 > 1 {
        let (no, quantity, _) = ship[0];
        let mut rest = ship.to_vec();
        rest[0] = (no, quantity - 1, (quantity - 1) * 777);
        parts = vec![vec![(no, 1, 777)], rest];
    }
    for (part, shipment) in parts.iter().zip(number * 10..) {
        stock.push(order.shipped(at, shipment, part));
        match chance.below(10) {
            0..=6 => stock.push(order.delivered(at + Duration::hours(chance.between(3, 200)), shipment)),
            7 | 8 => {
                stock.push(order.failed(at + Duration::days(3), shipment, part));
                if chance.in_ten(3) {
                    stock.push(order.shipped(at + Duration::days(4), shipment + 5, part));
                }
            }
            _ => {}
        }
    }
}

/// The streams woven together at random, each in its own order.
pub(crate) fn interleave(seed: u64, streams: &[Stream]) -> Vec<Event> {
    let mut chance = Chance::new(seed);
    let mut heads = vec![0; streams.len()];
    let mut open: Vec<usize> = (0..streams.len()).filter(|index| !streams[*index].is_empty()).collect();
    let mut woven = Vec::new();
    while !open.is_empty() {
        let pick = chance.below(open.len() as u64) as usize;
        let stream = open[pick];
        woven.push(streams[stream][heads[stream]].clone());
        heads[stream] += 1;
        if heads[stream] == streams[stream].len() {
            open.swap_remove(pick);
        }
    }
    woven
}
