//! One false record for each way a promise can be broken.

use super::company::{money, pieces};
use crate::check::Evidence;
use crate::history::{Kind, Op, Outcome};
use crate::picture::{ItemPicture, OrderPicture};
use serde_json::{Value, json};

type Falsify = fn(&mut Evidence);

fn order<'a>(evidence: &'a mut Evidence, id: &str) -> &'a mut OrderPicture {
    evidence.quiet.orders.get_mut(id).unwrap()
}

fn item(evidence: &mut Evidence) -> &mut ItemPicture {
    evidence.quiet.items.get_mut("A").unwrap()
}

fn op(evidence: &mut Evidence, kind: Kind) -> &mut Op {
    evidence.history.ops.values_mut().find(|op| op.kind == kind).unwrap()
}

fn head(order: &mut OrderPicture) -> &mut proto::orders::v1::OrderSummary {
    order.order.summary.as_mut().unwrap()
}

fn held(order: &mut OrderPicture) -> &mut proto::erp::v1::ReservationLine {
    &mut order.reservation.as_mut().unwrap().lines[0]
}

fn open(op: &mut Op) {
    op.attempts[0].outcome = Outcome::Unknown;
}

/// Number of the promise, what is wrong, and how it comes about.
pub(super) const ALL: &[(&str, &str, Falsify)] = &[
    ("1", "an acknowledged order is gone", |e| drop(e.quiet.orders.remove("o1"))),
    ("1", "an acknowledged payment is gone", |e| order(e, "o1").payments.clear()),
    ("1", "an acknowledged return is gone", |e| order(e, "o1").returns.clear()),
    ("1", "an acknowledged receipt is gone", |e| e.quiet.receipts.clear()),
    ("1", "an acknowledged transfer moved nothing", |e| drop(item(e).moves.remove(1))),
    ("1", "an acknowledged delivery is forgotten", |e| {
        order(e, "o1").shipments[0].state = proto::erp::v1::ShipmentState::Shipped.into();
    }),
    ("1", "an acknowledged cancellation is forgotten", |e| order(e, "o2").order.lines[0].cancelled = pieces("0")),
    ("1", "an acknowledged price is gone", |e| e.quiet.prices.clear()),
    ("1", "an acknowledged comment is gone", |e| e.quiet.tasks.get_mut("t3").unwrap().comments.clear()),
    ("1", "an acknowledged version is gone", |e| drop(e.quiet.pages.get_mut("g1").unwrap().bodies.pop())),
    ("2", "an open order is there in part", |e| order(e, "o2").order.lines.clear()),
    ("2", "an open order vanishes later", |e| drop(e.replayed.orders.remove("o2"))),
    ("2", "half of an open receipt", |e| {
        let receive = op(e, Kind::Receive);
        open(receive);
        let line = json!({"sku": "A", "lot": "L2", "quantity": {"value": "1"}});
        receive.body["lines"].as_array_mut().unwrap().push(line);
    }),
    ("2", "half of an open payment", |e| {
        open(op(e, Kind::Pay));
        order(e, "o1").payments[0].amount = money("15.00");
    }),
    ("2", "a return nobody sent", |e| {
        op(e, Kind::Return).kind = Kind::ReadOwn;
    }),
    ("2", "half of an open cancellation", |e| {
        let cancel = op(e, Kind::CancelLines);
        open(cancel);
        cancel.body["lines"][0]["quantity"]["value"] = json!("2");
    }),
    ("3", "a repetition is answered differently", |e| {
        op(e, Kind::Push).attempts[1].answer["order_id"] = json!("other");
    }),
    ("3", "another body is taken", |e| op(e, Kind::OtherBody).attempts[0].outcome = Outcome::Ok),
    ("4", "one key, two orders", |e| {
        let twin = order(e, "o1").clone();
        e.quiet.orders.insert("o3".to_owned(), twin);
    }),
    ("4", "a refused order is stored", |e| head(order(e, "o2")).external_id = "k3".to_owned()),
    ("4", "a payment twice", |e| {
        let twin = order(e, "o1").payments[0].clone();
        order(e, "o1").payments.push(twin);
    }),
    ("4", "a return twice", |e| {
        let twin = order(e, "o1").returns[0].clone();
        order(e, "o1").returns.push(twin);
    }),
    ("4", "a lot received twice", |e| {
        let twin = item(e).moves[0].clone();
        item(e).moves.push(twin);
    }),
    ("4", "a write-off nobody asked for", |e| {
        let twin = proto::erp::v1::Move { cause_id: "w2".to_owned(), ..item(e).moves[4].clone() };
        item(e).moves.push(twin);
    }),
    ("4", "a comment twice", |e| {
        let comments = &mut e.quiet.tasks.get_mut("t3").unwrap().comments;
        comments.push(comments[0].clone());
    }),
    ("5", "an order number twice", |e| head(order(e, "o2")).number = "W-1".to_owned()),
    ("5", "a gap in task numbers", |e| e.quiet.tasks.get_mut("t2").unwrap().task.key = "WH-3".to_owned()),
    ("5", "a task is missing", |e| drop(e.quiet.tasks.remove("t2"))),
    ("6", "an order changed by the replay", |e| {
        e.replayed.orders.get_mut("o1").unwrap().payments.clear();
    }),
    ("6", "stock changed by the replay", |e| {
        e.replayed.items.get_mut("A").unwrap().item.on_hand = "5".to_owned();
    }),
    ("6", "a customer counted twice", |e| {
        e.replayed.customers.get_mut("c1").unwrap().figures.as_mut().unwrap().orders = 3;
    }),
    ("6", "a task came with the replay", |e| {
        let twin = e.replayed.tasks["t1"].clone();
        e.replayed.tasks.insert("t9".to_owned(), twin);
    }),
    ("6", "a figure grew", |e| e.replayed.kpi.by_region.get_mut("R-k1").unwrap().orders = 2),
    ("6", "an event published because of an old one", |e| {
        e.replayed.events.outboxes.get_mut("orders").unwrap()[0].event_id = "e7".to_owned();
    }),
    ("7", "a balance that is not the sum", |e| item(e).stock.lots[0].on_hand = "7".to_owned()),
    ("7", "a movement is gone", |e| drop(item(e).moves.remove(4))),
    ("7", "during the load", |e| {
        e.history.samples[0].answer["checks"][0]["differences"] = json!("1");
    }),
    ("8", "more went than was there", |e| item(e).moves[2].quantity = "30".to_owned()),
    ("8", "during the load", |e| e.history.samples[1].answer["totals"][0]["free"] = json!("-1")),
    ("9", "free that is not free", |e| item(e).availability.free = "6".to_owned()),
    ("9", "during the load", |e| e.history.samples[1].answer["totals"][0]["reserved"] = json!("2")),
    ("9", "more reserved than there", |e| item(e).stock.lots[1].reserved = "2".to_owned()),
    ("10", "a need nobody serves", |e| held(order(e, "o2")).reserved = "0".to_owned()),
    ("10", "held for a cancelled order", |e| {
        order(e, "o2").reservation.as_mut().unwrap().state = proto::erp::v1::DemandState::Cancelled.into();
    }),
    ("10", "cancelled in orders and open in erp", |e| head(order(e, "o2")).state = "cancelled".to_owned()),
    ("10", "orders tells of another reservation", |e| order(e, "o2").order.lines[0].reserved = pieces("2")),
    ("10", "the item's total differs", |e| item(e).item.reserved = "2".to_owned()),
    ("11", "shipped without a shipment", |e| order(e, "o1").shipments.clear()),
    ("11", "held in no lot", |e| held(order(e, "o2")).lots.clear()),
    ("12", "a transfer gains value", |e| item(e).moves[1].value = money("6.00")),
    ("12", "a transfer moves more", |e| item(e).moves[1].quantity = "2".to_owned()),
    ("13", "a layer's value differs", |e| item(e).stock.lots[0].value = money("31.00")),
    ("13", "the whole value differs", |e| e.quiet.ledger.stock_value = money("36.00")),
    ("14", "a piece appears", |e| item(e).stock.lots[0].on_hand = "7".to_owned()),
    ("14", "a piece is sold off the books", |e| order(e, "o1").shipments[0].lines[0].quantity = pieces("4")),
    ("15", "a lot without a receipt", |e| order(e, "o1").shipments[0].lines[0].lot = "L9".to_owned()),
    ("15", "more of a lot than came in", |e| order(e, "o1").shipments[0].lines[0].quantity = pieces("9")),
    ("16", "an issue at another cost", |e| {
        let moves = &mut item(e).moves;
        (moves[2].value, moves[3].value) = (money("16.00"), money("6.00"));
    }),
    ("16", "a balance the replay does not give", |e| item(e).stock.lots[0].value = money("31.00")),
    ("20", "value out of nothing", |e| e.quiet.ledger.stock_value = money("36.00")),
    ("20", "a movement to where it was", |e| item(e).moves[1].to_place = "MAIN/DEFAULT".to_owned()),
    ("20", "unbalanced during the load", |e| e.history.samples[0].answer["balanced"] = json!(false)),
    ("21", "a total that is not its lines", |e| head(order(e, "o1")).total = money("31.00")),
    ("21", "a line that is not price times pieces", |e| {
        order(e, "o1").order.lines[0].line.as_mut().unwrap().unit_price = money("11.00");
    }),
    ("21", "more given back than paid", |e| order(e, "o1").payments[1].amount = money("-32.00")),
    ("21", "a balance that is none", |e| head(order(e, "o2")).balance = money("9.00")),
    ("21", "more cancelled than ordered", |e| order(e, "o1").order.lines[0].cancelled = pieces("99")),
    ("21", "more returned than shipped", |e| order(e, "o1").order.lines[0].returned = pieces("99")),
    ("21", "the money of a line given back twice", |e| {
        order(e, "o1").order.lines[0].cancelled_amount = money("9999.00");
    }),
    ("25", "an arrow that is none", |e| order(e, "o1").timeline[3].to_state = "backordered".to_owned()),
    ("25", "a step is missing", |e| drop(order(e, "o1").timeline.remove(3))),
    ("25", "time goes back", |e| order(e, "o1").timeline[4].at.as_mut().unwrap().seconds = 1),
    ("25", "shipped without a movement", |e| drop(item(e).moves.remove(2))),
    ("25", "delivered before it left", |e| {
        order(e, "o1").shipments[0].ended_at.as_mut().unwrap().seconds = 1;
    }),
    ("25", "a task jumps", |e| {
        e.quiet.tasks.get_mut("t3").unwrap().changes[0].old_value = "done".to_owned();
    }),
    ("26", "erp has no picture", |e| order(e, "o2").reservation = None),
    ("26", "crm has no picture", |e| order(e, "o2").crm = None),
    ("26", "crm has another total", |e| order(e, "o2").crm.as_mut().unwrap().total = money("21.00")),
    ("26", "kpi has two", |e| e.quiet.kpi.by_region.get_mut("R-k1").unwrap().orders = 2),
    ("26", "kpi has one more", |e| e.quiet.kpi.summary.figures.as_mut().unwrap().orders = 3),
    ("27", "a figure that is not the sum", |e| {
        e.quiet.kpi.by_region.get_mut("R-k1").unwrap().placed = money("31.00");
    }),
    ("27", "a cost that is not the ledger's", |e| {
        e.quiet.kpi.by_region.get_mut("R-k1").unwrap().cost = money("11.00");
    }),
    ("27", "received that was not", |e| e.quiet.kpi.summary.received = money("29.00")),
    ("27", "rebuilt to something else", |e| e.rebuilt.by_customer.get_mut("c1").unwrap().orders = 1),
    ("28", "a sum that is not the orders'", |e| {
        e.quiet.customers.get_mut("c1").unwrap().figures.as_mut().unwrap().order_sum = money("31.00");
    }),
    ("28", "a recount corrected something", |e| e.rescore.corrected = 1),
    ("28", "a second run changed a score", |e| e.rescore.changed_again = 1),
    ("29", "an event a consumer never took", |e| drop(e.quiet.events.inboxes[0].event_ids.pop())),
    ("29", "a version is missing", |e| drop(e.quiet.events.outboxes.get_mut("orders").unwrap().remove(0))),
    ("29", "an overtaken event", |e| e.quiet.events.outboxes.get_mut("orders").unwrap()[1].seq = Some(0)),
    ("29", "an event that was never published", |e| e.quiet.events.outboxes.get_mut("orders").unwrap()[1].seq = None),
    ("29", "an event given up on", |e| e.history.poison.clear()),
    ("30", "one's own order is not there", |e| {
        op(e, Kind::ReadOwn).attempts[0] = crate::history::Attempt {
            outcome: Outcome::Refused,
            status: 404,
            answer: Value::Null,
            ..op(e, Kind::ReadOwn).attempts[0].clone()
        };
    }),
    ("30", "one's own order is another", |e| {
        op(e, Kind::ReadOwn).attempts[0].answer["order"]["summary"]["external_id"] = json!("k2");
    }),
    ("31", "nobody took the contact", |e| head(order(e, "o1")).customer_id.clear()),
    ("31", "a return that was never booked", |e| order(e, "o1").returns[0].booked_at = None),
    ("31", "orders never heard of a delivery", |e| order(e, "o1").order.shipments[0].state = "shipped".to_owned()),
    ("31", "nobody is told to assemble", |e| drop(e.quiet.tasks.remove("t2"))),
    ("31", "the task is closed too early", |e| e.quiet.tasks.get_mut("t2").unwrap().task.closed = true),
    ("31", "a task for what is delivered", |e| e.quiet.tasks.get_mut("t1").unwrap().task.closed = false),
    ("31", "an order known by halves", |e| e.quiet.kpi.facts.orders_without_placement = 1),
    ("32", "two edits of one version win", |e| {
        let answer = op(e, Kind::PageSave).attempts[0].clone();
        let second = e.history.ops.values_mut().filter(|op| op.kind == Kind::PageSave).nth(1).unwrap();
        second.attempts[0] = answer;
    }),
    ("33", "a version is missing", |e| drop(e.quiet.pages.get_mut("g1").unwrap().versions.remove(0))),
    ("33", "another text than its last version", |e| e.quiet.pages.get_mut("g1").unwrap().page.body.clear()),
    ("33", "a word is not found", |e| {
        e.quiet.searches.insert(crate::load::bodies::word("k14"), crate::picture::Found::default());
    }),
    ("33", "a superseded word is found", |e| {
        let found = crate::picture::Found { pages: vec!["g1".to_owned()], corrected: false };
        e.quiet.searches.insert(crate::load::bodies::word("k13.0"), found);
    }),
    ("34", "a mix of two files", |e| {
        e.quiet.products.values_mut().find(|product| product.series == "k18").unwrap().series = "k17".to_owned();
    }),
    ("34", "a mix during the load", |e| e.history.samples[2].answer["products"][0]["series"] = json!("k17")),
    ("34", "the same rows again change something", |e| {
        let again = e.history.ops.values_mut().find(|op| op.key == "k18.again").unwrap();
        again.attempts[0].answer["changed"] = json!("1");
    }),
    ("35", "a 500", |e| op(e, Kind::Malformed).attempts[0].status = 500),
    ("35", "nonsense is taken", |e| op(e, Kind::Malformed).attempts[0].outcome = Outcome::Ok),
    ("35", "nonsense leaves an order behind", |e| head(order(e, "o2")).external_id = "k19".to_owned()),
    ("35", "a panic", |e| e.logs.panics.push("erp-0.log: panicked at".to_owned())),
    ("PLT-4", "it never worked again", |e| e.history.faults[0].recovered_ms = None),
    ("PLT-4", "it took too long", |e| e.history.faults[0].recovered_ms = Some(99_000)),
    ("PLT-5", "no order was taken", |e| {
        e.history.ops.retain(|_, op| op.kind != Kind::Push);
    }),
    ("PLT-5", "an order stayed open", |e| open(op(e, Kind::Push))),
];
