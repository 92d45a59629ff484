//! A small company in which all is well: two orders, a receipt, a shipment, a return, a transfer, a write-off, money
//! in and back, tasks, a page, a file of products, one outage.

use std::collections::BTreeMap;

use prost_types::Timestamp;
use proto::common::v1::{Money, Quantity};
use proto::crm::v1::{Customer, CustomerOrder, OrderFigures};
use proto::erp::v1 as erp;
use proto::knowledge::v1::{Page, PageVersion};
use proto::kpi::v1::{Figures, GetFactsStatusResponse, GetSummaryResponse};
use proto::messaging::v1::DeadLetter;
use proto::orders::v1 as orders;
use proto::tasks::v1::{Comment, Task, TaskChange};
use serde_json::{Value, json};

use crate::check::{Evidence, Rescore};
use crate::history::{Attempt, FaultDone, History, Kind, Op, Outcome, Sample};
use crate::load::bodies::word;
use crate::picture::logs::Logs;
use crate::picture::{
    Events, Found, ItemPicture, KpiPicture, OrderPicture, PagePicture, Picture, Published, Taken, TaskPicture,
};

pub(super) fn money(amount: &str) -> Option<Money> {
    Some(Money { currency: "RUB".to_owned(), amount: amount.to_owned() })
}

pub(super) fn pieces(value: &str) -> Option<Quantity> {
    Some(Quantity { value: value.to_owned(), unit: "pcs".to_owned() })
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn attempt(outcome: Outcome, status: u16, answer: Value) -> Attempt {
    Attempt { sent_ms: 15_000, answered_ms: Some(15_010), status, outcome, answer }
}

fn ok(answer: Value) -> Vec<Attempt> {
    vec![attempt(Outcome::Ok, 200, answer)]
}

fn refused() -> Vec<Attempt> {
    vec![attempt(Outcome::Refused, 409, json!({"reason": "NO"}))]
}

struct Ops(BTreeMap<u64, Op>);

impl Ops {
    fn add(&mut self, kind: Kind, key: &str, path: &str, body: Value, attempts: Vec<Attempt>) -> &mut Op {
        let id = self.0.len() as u64 + 1;
        let (verb, path, key) = ("POST".to_owned(), path.to_owned(), key.to_owned());
        self.0.entry(id).or_insert(Op { id, client: 0, kind, key, of: None, verb, path, body, attempts })
    }
}

fn push_body(key: &str, count: &str) -> Value {
    json!({"request_id": key, "order": {"external_id": key, "lines": [{"sku": "A", "quantity": {"value": count}}]}})
}

fn order_ops(ops: &mut Ops) {
    let lot = json!({"sku": "A", "lot": "L1", "quantity": {"value": "10"}});
    let receipt = json!({"receipt": {"receipt_id": "r1"}});
    ops.add(Kind::Receive, "k0", "/v1/erp/receipts", json!({"lines": [lot]}), ok(receipt));
    let answer = |duplicate: bool| json!({"order_id": "o1", "duplicate": duplicate, "total": {"amount": "30.00"}});
    let twice = vec![attempt(Outcome::Ok, 200, answer(false)), attempt(Outcome::Ok, 200, answer(true))];
    ops.add(Kind::Push, "k1", "/v1/orders", push_body("k1", "3"), twice);
    let open = vec![Attempt { sent_ms: 1, answered_ms: Some(5), ..attempt(Outcome::Unknown, 0, Value::Null) }];
    ops.add(Kind::Push, "k2", "/v1/orders", push_body("k2", "2"), open);
    ops.add(Kind::Push, "k3", "/v1/orders", push_body("k3", "1"), refused());
    let paid = json!({"payment": {"payment_id": "p1", "amount": {"amount": "30.00"}}});
    let body = json!({"amount": {"amount": "30.00"}});
    let of = ops.add(Kind::Pay, "k4", "/v1/orders/o1/payments", body, ok(paid)).id;
    ops.add(Kind::OtherBody, "k4", "/v1/orders/o1/payments", json!({}), refused()).of = Some(of);
    let back = json!({"payment": {"payment_id": "p2", "amount": {"amount": "-2.00"}}});
    ops.add(Kind::Refund, "k5", "/v1/orders/o1/refunds", json!({"amount": {"amount": "2.00"}}), ok(back));
    let part = json!([{"line_no": 1, "quantity": {"value": "1"}}]);
    let (body, answer) = (json!({"lines": part}), json!({"cancelled": part}));
    ops.add(Kind::CancelLines, "k6", "/v1/orders/o2:cancelLines", body, ok(answer));
    let shipped = json!({"results": [{"order_id": "o1", "shipment_ids": ["s1"]}]});
    ops.add(Kind::ShipOrders, "k7", "/v1/erp/shipments:ship-orders", json!({"order_ids": ["o1"]}), ok(shipped));
    let delivered = json!({"shipment": {"shipment_id": "s1", "order_id": "o1", "state": "SHIPMENT_STATE_DELIVERED"}});
    ops.add(Kind::Deliver, "k8", "/v1/erp/shipments/s1:deliver", json!({}), ok(delivered));
    let (body, answer) = (json!({"lines": part, "reason": "defect"}), json!({"order_return": {"return_id": "b1"}}));
    ops.add(Kind::Return, "k9", "/v1/orders/o1/returns", body, ok(answer));
    let lines = json!([{"sku": "A", "lot": "L1", "quantity": {"value": "1"}}]);
    let body = json!({"from_place": "MAIN/DEFAULT", "to_place": "MAIN/QUARANTINE", "lines": lines});
    let answer = json!({"transfer_id": "t1", "value": {"amount": "0.00"}});
    ops.add(Kind::Transfer, "k10", "/v1/erp/stock:transfer", body, ok(answer));
    ops.add(Kind::WriteOff, "k11", "/v1/erp/stock:adjust", json!({}), ok(json!({"adjustment_id": "w1"})));
}

fn text_ops(ops: &mut Ops) {
    let task = |version: &str| json!({"task": {"task_id": "t3", "version": version}});
    ops.add(Kind::TaskCreate, "k12", "/v1/tasks", json!({}), ok(task("1")));
    let comment = json!({"comment": {"comment_id": "c1", "task_id": "t3"}});
    ops.add(Kind::Comment, "k13", "/v1/tasks/t3/comments", json!({}), ok(comment));
    let body = json!({"to_state": "in_progress", "version": "1"});
    ops.add(Kind::TaskMove, "", "/v1/tasks/t3:move", body.clone(), ok(task("2")));
    ops.add(Kind::TaskMove, "", "/v1/tasks/t3:move", body, refused());
    let page = json!({"page": {"page_id": "g1", "version": 2}});
    let body = json!({"base_version": 1, "body": "# k14\n\ntext"});
    ops.add(Kind::PageSave, "k14", "/v1/knowledge/pages/g1", body, ok(page));
    let body = json!({"base_version": 1, "body": "# k15\n\ntext"});
    ops.add(Kind::PageSave, "k15", "/v1/knowledge/pages/g1", body, refused());
    let product = json!({"product": {"sku": "A", "version": "2"}, "changed": true});
    ops.add(Kind::Product, "k16", "/v1/products/A", json!({"version": "1"}), ok(product));
    let price = json!({"prices": [{"sku": "A", "price": {"amount": "7.00"}}]});
    ops.add(Kind::Price, "k17", "/v1/price-lists/chaos/prices:set", price, ok(json!({"changed": 1})));
    let import = |changed: &str| json!({"finished": true, "changed": changed, "created": "0", "rejected": "0"});
    ops.add(Kind::Import, "k18", "/v1/products:import", json!({}), ok(import("6")));
    ops.add(Kind::Import, "k18.again", "/v1/products:import", json!({}), ok(import("0")));
    let seen = json!({"order": {"summary": {"order_id": "o1", "external_id": "k1"}}});
    ops.add(Kind::ReadOwn, "", "/v1/orders/o1", Value::Null, ok(seen)).of = Some(2);
    let bad = vec![attempt(Outcome::Refused, 400, json!({}))];
    ops.add(Kind::Malformed, "k19", "/v1/orders", json!([]), bad);
}

fn history() -> History {
    let mut ops = Ops(BTreeMap::new());
    order_ops(&mut ops);
    text_ops(&mut ops);
    let total = json!({"sku": "A", "on_hand": "6", "reserved": "1", "free": "5"});
    let check = json!({"name": "balance_moves", "differences": "0"});
    let sample = |what: &str, answer: Value| Sample { ms: 1, what: what.to_owned(), answer };
    let fault = FaultDone {
        number: 1,
        what: "outage of erp for 15.0 s".to_owned(),
        began_ms: 10_000,
        ended_ms: 25_000,
        recovered_ms: Some(26_000),
    };
    History {
        ops: ops.0,
        faults: vec![fault],
        samples: vec![
            sample("ledger", json!({"balanced": true, "checks": [check]})),
            sample("availability", json!({"totals": [total]})),
            sample("import", json!({"products": [{"series": "k18"}, {"series": "k18"}]})),
        ],
        poison: vec!["e9".to_owned()],
    }
}

fn entry(machine: orders::StateMachine, source: &str, from: &str, to: &str, seconds: i64) -> orders::TimelineEntry {
    orders::TimelineEntry {
        at: at(seconds),
        source: source.to_owned(),
        code: "state_changed".to_owned(),
        machine: machine.into(),
        from_state: from.to_owned(),
        to_state: to.to_owned(),
        ..orders::TimelineEntry::default()
    }
}

fn head(id: &str, key: &str, number: &str, states: [&str; 3], sums: [&str; 6]) -> orders::OrderSummary {
    let [total, cancelled, returned, paid, refunded, balance] = sums;
    orders::OrderSummary {
        order_id: id.to_owned(),
        number: number.to_owned(),
        external_id: key.to_owned(),
        customer_id: "c1".to_owned(),
        region: format!("R-{key}"),
        state: states[0].to_owned(),
        payment_state: states[1].to_owned(),
        fulfilment_state: states[2].to_owned(),
        gross: money(total),
        discount: money("0.00"),
        tax: money("1.00"),
        total: money(total),
        cancelled_amount: money(cancelled),
        returned_amount: money(returned),
        paid: money(paid),
        refunded: money(refunded),
        balance: money(balance),
        ..orders::OrderSummary::default()
    }
}

fn line(count: &str, total: &str) -> Option<orders::OrderLine> {
    Some(orders::OrderLine {
        line_no: 1,
        kind: orders::LineKind::Goods.into(),
        sku: "A".to_owned(),
        quantity: pieces(count),
        unit_price: money("10.00"),
        discount: money("0.00"),
        tax: money("1.00"),
        total: money(total),
        ..orders::OrderLine::default()
    })
}

fn held(id: &str, ordered: &str, cancelled: &str, reserved: &str, shipped: &str) -> Option<erp::Reservation> {
    let lot = erp::ReservedLot { lot: "L1".to_owned(), quantity: reserved.to_owned(), ..erp::ReservedLot::default() };
    let line = erp::ReservationLine {
        line_no: 1,
        sku: "A".to_owned(),
        ordered: ordered.to_owned(),
        cancelled: cancelled.to_owned(),
        reserved: reserved.to_owned(),
        shipped: shipped.to_owned(),
        backordered: "0".to_owned(),
        lots: if reserved == "0" { Vec::new() } else { vec![lot] },
        ..erp::ReservationLine::default()
    };
    Some(erp::Reservation {
        order_id: id.to_owned(),
        state: erp::DemandState::Open.into(),
        lines: vec![line],
        ..erp::Reservation::default()
    })
}

fn crm(id: &str, sums: [&str; 4], shipments: i32, returns: i32) -> Option<CustomerOrder> {
    let [total, cancelled, returned, net] = sums;
    Some(CustomerOrder {
        order_id: id.to_owned(),
        customer_id: "c1".to_owned(),
        resolved: true,
        total: money(total),
        cancelled_amount: money(cancelled),
        returned_amount: money(returned),
        net: money(net),
        state: "placed".to_owned(),
        shipments,
        returns,
        ..CustomerOrder::default()
    })
}

fn first() -> OrderPicture {
    let payment = |id: &str, key: &str, sum: &str| orders::Payment {
        payment_id: id.to_owned(),
        amount: money(sum),
        provider_payment_id: key.to_owned(),
        ..orders::Payment::default()
    };
    let part = orders::LineChange { line_no: 1, sku: "A".to_owned(), quantity: pieces("1"), ..Default::default() };
    let item = erp::ShipmentItem {
        line_no: 1,
        sku: "A".to_owned(),
        lot: "L1".to_owned(),
        quantity: pieces("3"),
        cost: money("15.00"),
        returned: "1".to_owned(),
        ..erp::ShipmentItem::default()
    };
    OrderPicture {
        order: orders::Order {
            summary: Some(head(
                "o1",
                "k1",
                "W-1",
                ["confirmed", "partially_refunded", "delivered"],
                ["30.00", "0.00", "10.00", "30.00", "2.00", "-8.00"],
            )),
            lines: vec![orders::OrderLineView {
                line: line("3", "30.00"),
                cancelled: pieces("0"),
                reserved: pieces("0"),
                shipped: pieces("3"),
                failed: pieces("0"),
                returned: pieces("1"),
                returned_amount: money("10.00"),
                ..orders::OrderLineView::default()
            }],
            shipments: vec![orders::ShipmentView {
                shipment_id: "s1".to_owned(),
                state: "delivered".to_owned(),
                ..orders::ShipmentView::default()
            }],
        },
        payments: vec![payment("p1", "k4", "30.00"), payment("p2", "k5", "-2.00")],
        returns: vec![orders::OrderReturn {
            return_id: "b1".to_owned(),
            reason: "defect".to_owned(),
            outcome: orders::ReturnOutcome::Restock.into(),
            lines: vec![part],
            booked_at: at(9),
            ..orders::OrderReturn::default()
        }],
        timeline: first_timeline(),
        reservation: held("o1", "3", "0", "0", "3"),
        shipments: vec![erp::Shipment {
            shipment_id: "s1".to_owned(),
            order_id: "o1".to_owned(),
            state: erp::ShipmentState::Delivered.into(),
            lines: vec![item],
            created_at: at(3),
            shipped_at: at(4),
            ended_at: at(5),
            ..erp::Shipment::default()
        }],
        crm: crm("o1", ["30.00", "0.00", "10.00", "20.00"], 1, 1),
    }
}

fn first_timeline() -> Vec<orders::TimelineEntry> {
    use orders::StateMachine::{Fulfilment, Order, Payment};
    vec![
        entry(Order, "orders", "", "confirmed", 1),
        entry(Fulfilment, "erp", "none", "reserved", 2),
        entry(Payment, "orders", "unpaid", "paid", 3),
        entry(Fulfilment, "erp", "reserved", "shipped", 4),
        entry(Fulfilment, "erp", "shipped", "delivered", 5),
        entry(Payment, "orders", "paid", "partially_refunded", 6),
    ]
}

fn second() -> OrderPicture {
    use orders::StateMachine::{Fulfilment, Order};
    OrderPicture {
        order: orders::Order {
            summary: Some(head(
                "o2",
                "k2",
                "W-2",
                ["confirmed", "unpaid", "reserved"],
                ["20.00", "10.00", "0.00", "0.00", "0.00", "10.00"],
            )),
            lines: vec![orders::OrderLineView {
                line: line("2", "20.00"),
                cancelled: pieces("1"),
                cancelled_amount: money("10.00"),
                reserved: pieces("1"),
                shipped: pieces("0"),
                ..orders::OrderLineView::default()
            }],
            shipments: Vec::new(),
        },
        timeline: vec![entry(Order, "orders", "", "confirmed", 1), entry(Fulfilment, "erp", "none", "reserved", 2)],
        reservation: held("o2", "2", "1", "1", "0"),
        crm: crm("o2", ["20.00", "10.00", "0.00", "10.00"], 0, 0),
        ..OrderPicture::default()
    }
}

fn movement(id: i64, way: [&str; 2], count: &str, value: &str, cause: [&str; 2], order: &str) -> erp::Move {
    erp::Move {
        id,
        from_place: way[0].to_owned(),
        to_place: way[1].to_owned(),
        sku: "A".to_owned(),
        lot: "L1".to_owned(),
        quantity: count.to_owned(),
        value: money(value),
        cause_kind: cause[0].to_owned(),
        cause_id: cause[1].to_owned(),
        order_id: order.to_owned(),
        ..erp::Move::default()
    }
}

fn item() -> ItemPicture {
    let lot = |place: &str, on_hand: &str, reserved: &str, value: &str| erp::LotBalance {
        lot: "L1".to_owned(),
        place: place.to_owned(),
        on_hand: on_hand.to_owned(),
        reserved: reserved.to_owned(),
        value: money(value),
        ..erp::LotBalance::default()
    };
    ItemPicture {
        item: erp::Item {
            sku: "A".to_owned(),
            on_hand: "6".to_owned(),
            reserved: "1".to_owned(),
            backordered: "0".to_owned(),
            ..erp::Item::default()
        },
        stock: erp::GetStockResponse {
            value: money("35.00"),
            lots: vec![lot("MAIN/DEFAULT", "6", "1", "30.00"), lot("MAIN/QUARANTINE", "1", "0", "5.00")],
            ..erp::GetStockResponse::default()
        },
        availability: erp::Availability {
            on_hand: "6".to_owned(),
            reserved: "1".to_owned(),
            free: "5".to_owned(),
            ..erp::Availability::default()
        },
        moves: vec![
            movement(1, ["SUPPLIER", "MAIN/DEFAULT"], "10", "50.00", ["receipt", "r1"], ""),
            movement(2, ["MAIN/DEFAULT", "MAIN/QUARANTINE"], "1", "0.00", ["transfer", "t1"], ""),
            movement(3, ["MAIN/DEFAULT", "CUSTOMER"], "3", "15.00", ["shipment", "s1"], "o1"),
            movement(4, ["CUSTOMER", "MAIN/DEFAULT"], "1", "5.00", ["return", "b1"], "o1"),
            movement(5, ["MAIN/DEFAULT", "LOSS"], "1", "5.00", ["write_off", "w1"], ""),
        ],
    }
}

fn figures(counts: [i64; 2], units: &str, sums: [&str; 7]) -> Figures {
    let [placed, cancelled, returned, revenue, net_sales, cost, margin] = sums;
    Figures {
        orders: counts[0],
        lines: counts[1],
        units: units.to_owned(),
        gross: money(placed),
        discount: money("0.00"),
        placed: money(placed),
        cancelled: money(cancelled),
        returned: money(returned),
        uncollected: money("0.00"),
        revenue: money(revenue),
        net_sales: money(net_sales),
        cost: money(cost),
        margin: money(margin),
        ..Figures::default()
    }
}

fn kpi() -> KpiPicture {
    let one = figures([1, 1], "3", ["30.00", "0.00", "10.00", "20.00", "16.40", "10.00", "6.40"]);
    let two = figures([1, 1], "2", ["20.00", "10.00", "0.00", "10.00", "0.00", "0.00", "0.00"]);
    let all = figures([2, 2], "5", ["50.00", "10.00", "10.00", "30.00", "16.40", "10.00", "6.40"]);
    KpiPicture {
        by_region: [("R-k1".to_owned(), one), ("R-k2".to_owned(), two)].into(),
        by_customer: [("c1".to_owned(), all.clone())].into(),
        summary: GetSummaryResponse {
            figures: Some(all),
            received: money("30.00"),
            refunded: money("2.00"),
            ..GetSummaryResponse::default()
        },
        facts: GetFactsStatusResponse::default(),
        ..KpiPicture::default()
    }
}

fn tasks() -> BTreeMap<String, TaskPicture> {
    let task = |id: &str, key: &str, rule: &str, subject: &str, state: &str| Task {
        task_id: id.to_owned(),
        key: key.to_owned(),
        project: key.split('-').next().unwrap().to_owned(),
        state: state.to_owned(),
        closed: state == "done",
        rule: rule.to_owned(),
        subject_id: subject.to_owned(),
        version: 2,
        ..Task::default()
    };
    let change = |from: &str, to: &str| TaskChange {
        field: "state".to_owned(),
        old_value: from.to_owned(),
        new_value: to.to_owned(),
        ..TaskChange::default()
    };
    let picture = |task: Task, changes: Vec<TaskChange>| TaskPicture { task, changes, ..TaskPicture::default() };
    let mut own = task("t3", "CHAOS-1", "", "", "in_progress");
    own.title = "Task k12".to_owned();
    let comment = Comment { comment_id: "c1".to_owned(), text: "Comment k13".to_owned(), ..Comment::default() };
    let own = TaskPicture { comments: vec![comment], ..picture(own, vec![change("open", "in_progress")]) };
    [
        picture(task("t1", "WH-1", "order_to_assemble", "o1", "done"), vec![change("open", "done")]),
        picture(task("t2", "WH-2", "order_to_assemble", "o2", "open"), Vec::new()),
        own,
    ]
    .into_iter()
    .map(|picture| (picture.task.task_id.clone(), picture))
    .collect()
}

fn page() -> PagePicture {
    let version = |version: i32| PageVersion { version, ..PageVersion::default() };
    let bodies = vec!["# k13.0\n\ntext".to_owned(), "# k14\n\ntext".to_owned()];
    let page = Page { page_id: "g1".to_owned(), current_version: 2, body: bodies[1].clone(), ..Page::default() };
    PagePicture { page, versions: vec![version(1), version(2)], bodies }
}

fn events() -> Events {
    let event = |id: &str, version: i64| Published {
        event_id: id.to_owned(),
        name: "order_placed".to_owned(),
        aggregate: "order o1".to_owned(),
        version,
        seq: Some(version),
    };
    let taken = Taken {
        consumer: "erp_orders".to_owned(),
        source: "orders".to_owned(),
        event_ids: vec!["e1".to_owned(), "e2".to_owned()],
    };
    Events { outboxes: [("orders".to_owned(), vec![event("e1", 1), event("e2", 2)])].into(), inboxes: vec![taken] }
}

fn picture() -> Picture {
    let product = |sku: &str, series: &str| {
        let product =
            orders::Product { sku: sku.to_owned(), series: series.to_owned(), version: 2, ..Default::default() };
        (sku.to_owned(), product)
    };
    let family = crate::load::world::family(0);
    let price = orders::Price { sku: "A".to_owned(), price: money("7.00"), ..orders::Price::default() };
    let price = orders::PriceHistoryEntry { price: Some(price), ..orders::PriceHistoryEntry::default() };
    let found = Found { pages: vec!["g1".to_owned()], corrected: false };
    let figures =
        OrderFigures { placed_orders: 2, orders: 2, returns: 1, order_sum: money("30.00"), ..OrderFigures::default() };
    let customer = Customer {
        customer_id: "c1".to_owned(),
        figures: Some(figures),
        score: "50".to_owned(),
        ..Customer::default()
    };
    let letter = DeadLetter { event_id: "e9".to_owned(), ..DeadLetter::default() };
    let check = erp::LedgerCheck { name: "balance_moves".to_owned(), ..erp::LedgerCheck::default() };
    Picture {
        orders: [("o1".to_owned(), first()), ("o2".to_owned(), second())].into(),
        items: [("A".to_owned(), item())].into(),
        products: family.iter().map(|sku| product(sku, "k18")).chain([product("A", "")]).collect(),
        prices: [("A".to_owned(), vec![price])].into(),
        ledger: erp::VerifyLedgerResponse {
            balanced: true,
            checks: vec![check],
            moves: 5,
            stock_value: money("35.00"),
        },
        receipts: [("r1".to_owned(), erp::Receipt { number: 1, ..erp::Receipt::default() })].into(),
        customers: [("c1".to_owned(), customer)].into(),
        kpi: kpi(),
        tasks: tasks(),
        last_numbers: [("WH".to_owned(), 2), ("CHAOS".to_owned(), 1)].into(),
        pages: [("g1".to_owned(), page())].into(),
        searches: [(word("k14"), found), (word("k13.0"), Found::default())].into(),
        dead: [("erp".to_owned(), vec![letter])].into(),
        events: events(),
    }
}

/// All of it.
pub(super) fn good() -> Evidence {
    let mut history = history();
    // The page's first version was saved by somebody, too.
    let id = history.ops.len() as u64 + 1;
    let save = Op { id, kind: Kind::PageSave, key: "k13.0".to_owned(), ..history.ops[&1].clone() };
    let body = json!({"base_version": 0, "body": "# k13.0\n\ntext"});
    let answer = json!({"page": {"page_id": "g1", "version": 1}});
    let save = Op { path: "/v1/knowledge/pages/g1".to_owned(), body, attempts: ok(answer), ..save };
    history.ops.insert(id, save);
    let quiet = picture();
    Evidence {
        history,
        replayed: quiet.clone(),
        rebuilt: quiet.kpi.clone(),
        quiet,
        rescore: Rescore { customers: 1, corrected: 0, changed_again: 0 },
        logs: Logs { files: 1, ..Logs::default() },
        recovery_bound_ms: 30_000,
    }
}
