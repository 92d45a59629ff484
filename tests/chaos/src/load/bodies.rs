//! Requests, made of dice. Each has its key before it is sent.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::door::Who;
use super::world::{CURRENCY, Known, is_scarce, sku};
use crate::history::Kind;

/// A request ready to be written down and sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// What it does.
    pub(crate) kind: Kind,
    /// Who calls.
    pub(crate) who: Who,
    /// Its idempotency key; empty where the API has none.
    pub(crate) key: String,
    /// HTTP method.
    pub(crate) verb: &'static str,
    /// Path with query.
    pub(crate) path: String,
    /// Body.
    pub(crate) body: Value,
}

impl Draft {
    /// A POST by staff.
    pub(crate) fn post(kind: Kind, key: &str, path: String, body: Value) -> Self {
        Self { kind, who: Who::Staff, key: key.to_owned(), verb: "POST", path, body }
    }
}

/// An amount of the company's currency.
pub(crate) fn money(cents: u64) -> Value {
    json!({"currency": CURRENCY, "amount": format!("{}.{:02}", cents / 100, cents % 100)})
}

fn one_of<'a>(from: &[&'a str], die: u64) -> &'a str {
    let index = usize::try_from(die % from.len().max(1) as u64).unwrap_or(0);
    from.get(index).copied().unwrap_or_default()
}

fn pieces(count: u64) -> Value {
    json!({"value": count.to_string(), "unit": "pcs"})
}

/// Three in four requests leave the time to the company; the others say one of the past, or (where that is allowed)
/// some hours ahead: the clock jumps wherever it is a parameter.
fn jump(die: u64, ahead: bool, now: OffsetDateTime) -> Option<String> {
    let at = match die % 16 {
        0 => now - Duration::days(i64::try_from(die / 16 % 400).unwrap_or(1)),
        1 => now - Duration::seconds(i64::try_from(die / 16 % 86_400).unwrap_or(1)),
        2 if ahead => now + Duration::hours(20),
        _ => return None,
    };
    at.format(&Rfc3339).ok()
}

fn with(mut body: Value, name: &str, value: Option<String>) -> Value {
    if let (Some(value), Some(fields)) = (value, body.as_object_mut()) {
        fields.insert(name.to_owned(), Value::String(value));
    }
    body
}

/// Pieces on each goods line of an order body.
pub(crate) fn lines_of(order: &Value) -> Vec<(i32, u64)> {
    let lines = order["lines"].as_array().cloned().unwrap_or_default();
    let pieces = |line: &Value| line["quantity"]["value"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
    (1..).zip(lines.iter().map(pieces)).collect()
}

/// An order as the shop `channel` sends it. One in fourteen does not agree with its own total and is held.
pub(crate) fn order(channel: &str, key: &str, dice: &[u64; 8], now: OffsetDateTime) -> Value {
    let mut lines = Vec::new();
    for n in 0..=dice[0] % 3 {
        let die = dice[1].rotate_left(u32::try_from(n * 11).unwrap_or(0));
        let sku = sku(die);
        let count = if is_scarce(&sku) { 1 + die / 64 % 6 } else { 1 + die / 64 % 3 };
        let mut line = json!({
            "kind": "LINE_KIND_GOODS", "sku": sku, "quantity": pieces(count), "unit_price": money(100 + die / 512 % 90_000),
        });
        if die % 5 == 0 {
            line["discount"] = money(1 + die / 1024 % 99);
        }
        lines.push(line);
    }
    let mut order = json!({
        "channel": channel,
        "external_id": key,
        "currency": CURRENCY,
        "lines": lines,
        "delivery": {"method": one_of(&["courier", "pickup", "post"], dice[2]), "region": format!("R-{key}")},
        "payment_method": one_of(&["card", "cod", "transfer", "cash"], dice[2] / 3),
        "buyer": {
            "name": format!("Buyer {}", dice[3] % 250),
            "email": format!("buyer{}@example.com", dice[3] % 250),
        },
        "prices_include_tax": true,
    });
    if dice[4].is_multiple_of(4) {
        order["delivery"]["charge"] = money(100 + dice[4] / 4 % 50_000);
    }
    if dice[4].is_multiple_of(7) {
        order["discount_percent"] = json!("5");
    }
    if dice[5].is_multiple_of(14) {
        order["expected_total"] = money(1);
    }
    with(order, "placed_at", jump(dice[6], true, now))
}

/// One order.
pub(crate) fn push(channel: &str, key: &str, dice: &[u64; 8], now: OffsetDateTime) -> Draft {
    let body = json!({"order": order(channel, key, dice, now), "request_id": key});
    Draft { who: Who::Shop, ..Draft::post(Kind::Push, key, "/v1/orders".to_owned(), body) }
}

/// Two to six orders.
pub(crate) fn push_batch(channel: &str, key: &str, dice: &[u64; 8], now: OffsetDateTime) -> Draft {
    let orders: Vec<Value> = (0..2 + dice[7] % 5)
        .map(|n| {
            let own = dice.map(|die| die.rotate_left(u32::try_from(7 * n + 1).unwrap_or(1)));
            let key = format!("{key}.{n}");
            json!({"order": order(channel, &key, &own, now), "request_id": key})
        })
        .collect();
    let path = "/v1/orders:batch".to_owned();
    Draft { who: Who::Shop, ..Draft::post(Kind::PushBatch, key, path, json!({"orders": orders})) }
}

/// The rest of an order is called off.
pub(crate) fn cancel(key: &str, order: &Known, now: OffsetDateTime, die: u64) -> Draft {
    let body = json!({"request_id": key, "reason": "buyer_request"});
    let body = with(body, "cancelled_at", jump(die, false, now));
    Draft::post(Kind::Cancel, key, format!("/v1/orders/{}:cancel", order.order_id), body)
}

/// One piece of each goods line, or of the first.
fn parts(order: &Known, die: u64) -> Vec<Value> {
    let lines = if die.is_multiple_of(2) { &order.lines[..] } else { &order.lines[..order.lines.len().min(1)] };
    lines.iter().map(|(line_no, _)| json!({"line_no": line_no, "quantity": pieces(1)})).collect()
}

/// Parts of lines are called off.
pub(crate) fn cancel_lines(key: &str, order: &Known, die: u64) -> Draft {
    let body = json!({"request_id": key, "reason": "out_of_stock", "lines": parts(order, die)});
    Draft::post(Kind::CancelLines, key, format!("/v1/orders/{}:cancelLines", order.order_id), body)
}

/// A held order is released.
pub(crate) fn confirm(key: &str, order_id: &str) -> Draft {
    let body = json!({"request_id": key, "reason": "looked at it"});
    Draft::post(Kind::Confirm, key, format!("/v1/orders/{order_id}:confirm"), body)
}

/// Money in: all of it, part of it, or too much.
pub(crate) fn pay(key: &str, order: &Known, now: OffsetDateTime, die: u64) -> Draft {
    let total: u64 = order.total.replace('.', "").parse().unwrap_or(100);
    let cents = match die % 4 {
        0 => total / 2 + 1,
        1 => total + 1,
        _ => total.max(1),
    };
    let body = json!({
        "request_id": key, "method": "card", "amount": money(cents), "provider": "chaos", "provider_payment_id": key,
    });
    let body = with(body, "paid_at", jump(die / 4, false, now));
    Draft::post(Kind::Pay, key, format!("/v1/orders/{}/payments", order.order_id), body)
}

/// Money back, often more than there is.
pub(crate) fn refund(key: &str, order: &Known, die: u64) -> Draft {
    let body = json!({
        "request_id": key, "method": "card", "amount": money(1 + die % 20_000), "provider": "chaos",
        "provider_payment_id": key, "reason": "goodwill",
    });
    Draft::post(Kind::Refund, key, format!("/v1/orders/{}/refunds", order.order_id), body)
}

/// Goods back.
pub(crate) fn give_back(key: &str, order: &Known, die: u64) -> Draft {
    let outcome = ["RETURN_OUTCOME_RESTOCK", "RETURN_OUTCOME_WRITE_OFF", "RETURN_OUTCOME_REPAIR"];
    let body = json!({
        "request_id": key, "lines": parts(order, die), "reason": if die.is_multiple_of(3) { "defect" } else { "not_fitting" },
        "outcome": one_of(&outcome, die / 2),
    });
    Draft::post(Kind::Return, key, format!("/v1/orders/{}/returns", order.order_id), body)
}

/// One to three lots come in, each under a number of its own; two in three of goods that run out.
pub(crate) fn receive(key: &str, dice: &[u64; 8], now: OffsetDateTime) -> Draft {
    let line = |n: u64| {
        let die = dice[0].rotate_left(u32::try_from(n * 13).unwrap_or(0));
        let sku = if die % 3 == 0 { sku(die / 3) } else { format!("CH-RARE-{:02}", die / 3 % 10) };
        received(&sku, &format!("L-{key}-{n}"), 1 + die / 128 % 30, 50 + die / 4096 % 5_000)
    };
    let lines: Vec<Value> = (0..=dice[1] % 3).map(line).collect();
    let body = json!({"request_id": key, "supplier": "SUP", "lines": lines});
    let body = with(body, "received_at", jump(dice[2], false, now));
    Draft::post(Kind::Receive, key, "/v1/erp/receipts".to_owned(), body)
}

/// A line of a receipt.
pub(crate) fn received(sku: &str, lot: &str, count: u64, cents: u64) -> Value {
    json!({"sku": sku, "quantity": pieces(count), "unit_cost": money(cents), "lot": lot})
}

/// A piece of a lot goes to quarantine or comes back.
pub(crate) fn transfer(key: &str, lot: &(String, String), die: u64) -> Draft {
    let places = ["MAIN/DEFAULT", "MAIN/QUARANTINE"];
    let from = (die.is_multiple_of(3)) as usize;
    let body = json!({
        "request_id": key, "from_place": places[from], "to_place": places[1 - from], "reason": "looked at",
        "lines": [{"sku": lot.0, "lot": lot.1, "quantity": pieces(1)}],
    });
    Draft::post(Kind::Transfer, key, "/v1/erp/stock:transfer".to_owned(), body)
}

/// A piece of a lot is spoiled.
pub(crate) fn write_off(key: &str, lot: &(String, String)) -> Draft {
    let body = json!({
        "request_id": key, "warehouse": "MAIN", "sku": lot.0, "lot": lot.1, "kind": "ADJUSTMENT_KIND_WRITE_OFF",
        "quantity": pieces(1), "reason": "spoiled",
    });
    Draft::post(Kind::WriteOff, key, "/v1/erp/stock:adjust".to_owned(), body)
}

/// A shipment is begun.
pub(crate) fn pick(key: &str, order: &Known) -> Draft {
    let body = json!({"request_id": key, "order_id": order.order_id});
    Draft::post(Kind::Pick, key, "/v1/erp/shipments".to_owned(), body)
}

/// A shipment takes its next step; one in eight that left comes back.
pub(crate) fn advance(key: &str, shipment_id: &str, stage: u8, die: u64) -> Draft {
    let (kind, step, body) = match stage {
        0 => (Kind::ConfirmPick, "confirmPick", json!({"request_id": key})),
        1 => (Kind::Pack, "pack", json!({"request_id": key, "places": 1 + die % 3})),
        2 => (Kind::Ship, "ship", json!({"request_id": key, "carrier": "CARRIER", "tracking_number": key})),
        _ if die.is_multiple_of(8) => {
            let reason = one_of(&["FAILURE_REASON_REFUSED", "FAILURE_REASON_NOT_COLLECTED"], die / 8);
            (Kind::Fail, "fail", json!({"request_id": key, "reason": reason}))
        }
        _ => (Kind::Deliver, "deliver", json!({"request_id": key})),
    };
    Draft::post(kind, key, format!("/v1/erp/shipments/{shipment_id}:{step}"), body)
}

/// Whole orders leave.
pub(crate) fn ship_orders(key: &str, orders: &[Known]) -> Draft {
    let mut ids: Vec<&str> = orders.iter().map(|order| order.order_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let body = json!({"request_id": key, "order_ids": ids, "carrier": "CARRIER"});
    Draft::post(Kind::ShipOrders, key, "/v1/erp/shipments:shipOrders".to_owned(), body)
}

/// A product gets another English name on top of a version.
pub(crate) fn product(key: &str, sku: &str, version: &str) -> Draft {
    let body = json!({"request_id": key, "version": version, "name_en": format!("Name {key}")});
    Draft { verb: "PATCH", ..Draft::post(Kind::Product, key, format!("/v1/products/{sku}"), body) }
}

/// A price.
pub(crate) fn price(key: &str, list: &str, sku: &str, die: u64) -> Draft {
    let body = json!({"request_id": key, "prices": [{"sku": sku, "price": money(100 + die % 100_000)}]});
    Draft::post(Kind::Price, key, format!("/v1/price-lists/{list}/prices:set"), body)
}

/// A part of a product file.
pub(crate) fn import(key: &str, part: usize, parts: usize, data: &[u8]) -> Draft {
    let body = json!({"job_id": key, "part": part, "parts": parts, "data": base64(data)});
    Draft::post(Kind::Import, key, "/v1/products:import".to_owned(), body)
}

/// Bytes in JSON are base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place as usize <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// A task.
pub(crate) fn task(key: &str, project: &str) -> Draft {
    let body = json!({"request_id": key, "project": project, "task_type": "task", "title": format!("Task {key}")});
    Draft::post(Kind::TaskCreate, key, "/v1/tasks".to_owned(), body)
}

/// A task moves on top of a version. The API has no key here: the version is one.
pub(crate) fn move_task(task_id: &str, to_state: &str, version: &str) -> Draft {
    let body = json!({"to_state": to_state, "version": version});
    Draft::post(Kind::TaskMove, "", format!("/v1/tasks/{task_id}:move"), body)
}

/// A comment.
pub(crate) fn comment(key: &str, task_id: &str) -> Draft {
    let body = json!({"request_id": key, "text": format!("Comment {key}")});
    Draft::post(Kind::Comment, key, format!("/v1/tasks/{task_id}/comments"), body)
}

/// The word that only one version of one page has.
pub(crate) fn word(key: &str) -> String {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    // Letters only and many of them, so that no two are alike.
    let letter = |n: u32| char::from(b'a' + u8::try_from(hash.rotate_left(n * 9) % 16).unwrap_or(0));
    (0..24).map(letter).collect::<String>() + "x"
}

/// A page is saved on top of a version.
pub(crate) fn page(key: &str, page_id: &str, base: i64) -> Draft {
    let body = json!({
        "request_id": key, "base_version": base, "title": format!("Page {page_id}"),
        "body": format!("# {key}\n\nThe word of this version is {}.\n", word(key)),
    });
    Draft { verb: "PUT", ..Draft::post(Kind::PageSave, key, format!("/v1/knowledge/pages/{page_id}"), body) }
}

/// What no honest client sends. Orders among it carry the key, so that it shows when one was stored.
pub(crate) fn malformed(channel: &str, key: &str, die: u64, now: OffsetDateTime) -> Draft {
    let good = || order(channel, key, &[1; 8], now);
    let changed = |change: fn(&mut Value)| {
        let mut order = good();
        change(&mut order);
        json!({"order": order, "request_id": key})
    };
    let orders = "/v1/orders".to_owned();
    let nobody = "00000000-0000-7000-8000-000000000000";
    let (path, body) = match die % 16 {
        0 => (orders, Value::String("{\"order\": ".to_owned())),
        1 => (orders, Value::String("[".repeat(5_000))),
        2 => (orders, json!([1, 2, 3])),
        3 => (orders, changed(|order| order["lines"] = json!("none"))),
        4 => (orders, changed(|order| order["lines"] = json!([]))),
        5 => (orders, changed(|order| order["lines"][0]["quantity"]["value"] = json!("-1"))),
        6 => (orders, changed(|order| order["lines"][0]["unit_price"]["amount"] = json!("1e400"))),
        7 => (orders, changed(|order| order["lines"][0]["sku"] = json!("no such thing"))),
        8 => (orders, changed(|order| order["currency"] = json!("rub"))),
        9 => (orders, changed(|order| order["placed_at"] = json!("yesterday"))),
        10 => (orders, changed(|order| order["unheard_of"] = json!(1))),
        11 => (orders, changed(|order| order["external_id"] = json!("x".repeat(300)))),
        12 => ("/v1/orders/not-an-id:cancel".to_owned(), json!({"request_id": key, "reason": "x"})),
        13 => {
            (format!("/v1/orders/{nobody}/payments"), json!({"request_id": key, "method": "card", "amount": money(1)}))
        }
        14 => ("/v1/erp/receipts".to_owned(), json!({"request_id": key, "lines": [received("CH-00", "L", 0, 1)]})),
        _ => ("/v1/knowledge/pages".to_owned(), json!({"request_id": key, "space_key": SPACE_NOBODY, "title": ""})),
    };
    Draft::post(Kind::Malformed, key, path, body)
}

const SPACE_NOBODY: &str = "NO SUCH SPACE \u{0}";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn base64_as_everybody_writes_it() {
        for (text, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }

    #[test]
    fn words_of_different_keys_differ() {
        let words: BTreeSet<_> = (0..10_000).map(|n| word(&format!("c1-{n}"))).collect();
        assert_eq!(words.len(), 10_000);
        assert!(words.iter().all(|word| word.chars().all(|letter| letter.is_ascii_lowercase())));
    }

    #[test]
    fn the_same_dice_are_the_same_order() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let dice = [3, 1 << 40, 5, 6, 8, 14, 7, 9];
        assert_eq!(push("c", "k", &dice, now), push("c", "k", &dice, now));
        let batch = push_batch("c", "k", &dice, now);
        assert_eq!(batch.body["orders"].as_array().unwrap().len(), 6);
        assert_eq!(
            lines_of(&batch.body["orders"][0]["order"]).len(),
            batch.body["orders"][0]["order"]["lines"].as_array().unwrap().len()
        );
    }
}
