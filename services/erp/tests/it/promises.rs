//! Expected receipts and the days that can be promised from them.

use futures::future::join_all;
use proto::{
    common::v1::PageRequest,
    erp::v1::{
        CancelExpectedReceiptRequest, ExpectedReceipt, ExpectedReceiptInput, ExpectedSource, ExpectedState,
        GetExpectedReceiptRequest, GetReceiptRequest, ListExpectedReceiptsRequest, PostReceiptRequest,
        PromiseDatesRequest, PromiseDatesResponse, PromiseLineInput, PromisedDay, ReceiptLineInput,
        UpsertExpectedReceiptsRequest, UpsertWarehouseRequest, erp_event::Event, receipt_line_input::Cost,
    },
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::kit::{Erp, cancelled, fields, goods, key, line, order, pcs, placed, reason, rub, value};

fn input(line: i32, sku: &str, quantity: i64, day: &str) -> ExpectedReceiptInput {
    ExpectedReceiptInput {
        source: ExpectedSource::Supplier.into(),
        document: "PO-1".into(),
        document_line: line,
        sku: sku.into(),
        quantity: pcs(quantity),
        expected_on: day.into(),
        supplier: "SUP".into(),
        ..ExpectedReceiptInput::default()
    }
}

async fn expect(erp: &Erp, receipts: Vec<ExpectedReceiptInput>) -> Result<Vec<ExpectedReceipt>, Status> {
    let request = UpsertExpectedReceiptsRequest { request_id: key(), receipts };
    let answer = erp.expected().upsert_expected_receipts(request.clone()).await?.into_inner();
    let again = erp.expected().upsert_expected_receipts(request).await.unwrap().into_inner();
    assert_eq!(again, answer, "the same key is one entry");
    Ok(answer.receipts)
}

async fn cancel(erp: &Erp, id: &str) -> Result<ExpectedReceipt, Status> {
    let request = CancelExpectedReceiptRequest { expected_receipt_id: id.into(), reason: "sunk".into() };
    Ok(erp.expected().cancel_expected_receipt(request).await?.into_inner().receipt.unwrap())
}

async fn receive(erp: &Erp, sku: &str, quantity: i64, expected: &str, ends: bool) -> Result<String, Status> {
    let line = ReceiptLineInput {
        sku: sku.into(),
        quantity: pcs(quantity),
        cost: Some(Cost::UnitCost(rub("10").unwrap())),
        expected_receipt_id: expected.into(),
        expected_ends: ends,
        ..ReceiptLineInput::default()
    };
    let request = PostReceiptRequest { request_id: key(), lines: vec![line], ..PostReceiptRequest::default() };
    Ok(erp.receipts().post_receipt(request).await?.into_inner().receipt.unwrap().receipt_id)
}

async fn read(erp: &Erp, id: &str) -> (ExpectedState, [String; 3]) {
    let request = GetExpectedReceiptRequest { expected_receipt_id: id.into() };
    let one = erp.expected().get_expected_receipt(request).await.unwrap().into_inner().receipt.unwrap();
    (one.state(), [one.received, one.over, one.short])
}

async fn day(erp: &Erp, order: Uuid) -> String {
    erp.reservation(order).await.lines[0].expected_on.clone()
}

fn cart(lines: &[(&str, i64)]) -> PromiseDatesRequest {
    let line = |(sku, quantity): &(&str, i64)| PromiseLineInput { sku: (*sku).into(), quantity: pcs(quantity) };
    PromiseDatesRequest { lines: lines.iter().map(line).collect(), ..PromiseDatesRequest::default() }
}

async fn promise(erp: &Erp, request: PromiseDatesRequest) -> PromiseDatesResponse {
    erp.promises().promise_dates(request).await.unwrap().into_inner()
}

fn days(answer: &PromiseDatesResponse) -> Vec<(&str, &str)> {
    answer.lines.iter().map(|line| (line.free_now.as_str(), line.promised_on.as_str())).collect()
}

/// What an order was told of its days, one text a line.
async fn told(erp: &Erp, order: Uuid) -> Vec<String> {
    let text = |day: PromisedDay| {
        format!("{} {}: {} -> {}", day.sku, value(&day.quantity), day.was_expected_on, day.expected_on)
    };
    let facts = erp.facts("promise_changed").await.into_iter().filter_map(|fact| match fact {
        Event::PromiseChanged(fact) if fact.order_id == order.to_string() => Some(fact.lines),
        _ => None,
    });
    facts.flatten().map(text).collect()
}

#[tokio::test]
async fn a_cart_is_promised_what_is_free_now_and_the_rest_behind_those_who_wait() {
    let erp = Erp::start().await;
    erp.know(&["A", "B", "C"]).await;
    erp.receive(&[goods("A", 4, "10", "L"), goods("B", 9, "10", "L")]).await;
    expect(&erp, vec![input(1, "A", 10, "2026-03-10"), input(2, "A", 10, "2026-03-20")]).await.unwrap();
    let answer = promise(&erp, cart(&[("A", 4), ("B", 9), ("A", 10), ("A", 1)])).await;
    assert_eq!(days(&answer), [("4", "2026-03-02"), ("9", "2026-03-02"), ("0", "2026-03-10"), ("0", "2026-03-20")]);
    assert_eq!((answer.warehouse.as_str(), answer.complete_on.as_str()), ("MAIN", "2026-03-20"));
    let answer = promise(&erp, cart(&[("A", 5), ("Z", 1), ("A", 20)])).await;
    assert_eq!(days(&answer), [("4", "2026-03-10"), ("0", ""), ("0", "")]);
    assert_eq!((answer.complete_on.as_str(), answer.unknown_skus.as_slice()), ("", ["Z".to_owned()].as_slice()));

    let first = erp.place(1, vec![line(1, "A", 10)]).await;
    let second = erp.place(2, vec![line(1, "A", 8)]).await;
    let third = erp.place(3, vec![line(1, "A", 7)]).await;
    assert_eq!((day(&erp, first).await.as_str(), day(&erp, second).await.as_str()), ("2026-03-10", "2026-03-20"));
    assert_eq!(day(&erp, third).await, "", "nothing is expected that would cover it");
    assert_eq!(days(&promise(&erp, cart(&[("A", 1)])).await), [("0", "")], "the same goods are not promised twice");
    let urgent = PromiseDatesRequest { priority: 1, ..cart(&[("A", 3), ("A", 8)]) };
    assert_eq!(days(&promise(&erp, urgent).await), [("0", "2026-03-10"), ("0", "2026-03-20")]);
    assert_eq!(erp.figures("A").await, ["4", "4", "0", "21"], "nothing is held by a promise");

    let request = PromiseDatesRequest { warehouse: "MARS".into(), ..cart(&[("A", 1)]) };
    assert_eq!(reason(&erp.promises().promise_dates(request).await.unwrap_err()), "UNKNOWN_WAREHOUSE");
    let request = PromiseDatesRequest { priority: i32::MAX, ..cart(&[("A", 0)]) };
    let refused = erp.promises().promise_dates(request).await.unwrap_err();
    assert_eq!(fields(&refused), ["lines[0].quantity", "priority"]);
}

#[tokio::test]
async fn a_promise_comes_from_the_warehouse_an_order_would_be_served_from() {
    let erp = Erp::start().await;
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 2, "10", "L")]).await;
    erp.receive_into("SPB", &[goods("A", 5, "10", "L")]).await;
    let there = ExpectedReceiptInput { warehouse: "SPB".into(), ..input(1, "A", 3, "2026-03-05") };
    expect(&erp, vec![there, input(2, "A", 9, "2026-03-04")]).await.unwrap();
    let answer = promise(&erp, cart(&[("A", 6)])).await;
    assert_eq!((answer.warehouse.as_str(), days(&answer)), ("SPB", vec![("5", "2026-03-05")]));
    let named = PromiseDatesRequest { warehouse: "MAIN".into(), ..cart(&[("A", 6)]) };
    let answer = promise(&erp, named).await;
    assert_eq!((answer.warehouse.as_str(), days(&answer)), ("MAIN", vec![("2", "2026-03-04")]));
}

#[tokio::test]
async fn orders_whose_day_changes_are_told_once_a_change_and_others_are_not() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let first = erp.place(1, vec![line(1, "A", 4)]).await;
    let second = erp.place(2, vec![line(1, "A", 4), line(2, "B", 1)]).await;
    let both = vec![input(1, "A", 5, "2026-03-10"), input(2, "A", 5, "2026-03-20"), input(3, "B", 1, "2026-03-05")];
    let ids = expect(&erp, both).await.unwrap();
    assert_eq!(told(&erp, first).await, ["A 4:  -> 2026-03-10"]);
    assert_eq!(told(&erp, second).await, ["A 4:  -> 2026-03-20", "B 1:  -> 2026-03-05"]);
    assert_eq!(erp.facts("promise_changed").await.len(), 2, "one fact an order");

    expect(&erp, vec![input(2, "A", 5, "2026-03-25"), input(3, "B", 1, "2026-03-05")]).await.unwrap();
    assert_eq!(told(&erp, first).await.len(), 1, "its day stands");
    assert_eq!(told(&erp, second).await[2..], ["A 4: 2026-03-20 -> 2026-03-25"]);
    cancel(&erp, &ids[0].expected_receipt_id).await.unwrap();
    assert_eq!(told(&erp, first).await[1..], ["A 4: 2026-03-10 -> 2026-03-25"]);
    assert_eq!(told(&erp, second).await[3..], ["A 4: 2026-03-25 -> "]);
    cancel(&erp, &ids[0].expected_receipt_id).await.unwrap();
    assert_eq!(erp.told(first).await, ["order_allocated", "promise_changed", "promise_changed"]);

    // Less came than was expected, and nothing more will.
    receive(&erp, "A", 1, &ids[1].expected_receipt_id, true).await.unwrap();
    assert_eq!(erp.has(first, 1).await, ("1".into(), "3".into()));
    assert_eq!(told(&erp, first).await[2..], ["A 3: 2026-03-25 -> "]);
    erp.balanced().await;
}

#[tokio::test]
async fn receipts_fulfil_what_was_expected_and_what_is_over_or_short_is_noted() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let ids = expect(&erp, vec![input(1, "A", 10, "2026-03-10"), input(2, "A", 6, "2026-03-11")]).await.unwrap();
    let [ten, six] = [0, 1].map(|n: usize| ids[n].expected_receipt_id.clone());
    let id = receive(&erp, "A", 4, &ten, false).await.unwrap();
    assert_eq!(read(&erp, &ten).await, (ExpectedState::Partial, ["4", "0", "0"].map(String::from)));
    let posted = erp.receipts().get_receipt(GetReceiptRequest { receipt_id: id }).await.unwrap().into_inner();
    assert_eq!(posted.receipt.unwrap().lines[0].expected_receipt_id, ten);
    assert_eq!(days(&promise(&erp, cart(&[("A", 10), ("A", 1)])).await), [("4", "2026-03-10"), ("0", "2026-03-11")]);
    receive(&erp, "A", 8, &ten, false).await.unwrap();
    assert_eq!(read(&erp, &ten).await, (ExpectedState::Received, ["12", "2", "0"].map(String::from)));
    receive(&erp, "A", 5, &six, true).await.unwrap();
    assert_eq!(read(&erp, &six).await, (ExpectedState::Received, ["5", "0", "1"].map(String::from)));
    receive(&erp, "A", 1, &six, false).await.unwrap();
    assert_eq!(
        read(&erp, &six).await,
        (ExpectedState::Received, ["6", "0", "0"].map(String::from)),
        "it came after all"
    );

    assert_eq!(reason(&receive(&erp, "B", 1, &ten, false).await.unwrap_err()), "EXPECTED_MISMATCH");
    let unknown = service::new_id().to_string();
    assert_eq!(receive(&erp, "A", 1, &unknown, false).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(reason(&cancel(&erp, &ten).await.unwrap_err()), "EXPECTED_ENDED");
    assert_eq!(reason(&expect(&erp, vec![input(1, "A", 20, "2026-03-10")]).await.unwrap_err()), "EXPECTED_ENDED");
    let gone = expect(&erp, vec![input(3, "A", 1, "2026-03-10")]).await.unwrap().remove(0).expected_receipt_id;
    assert_eq!(cancel(&erp, &gone).await.unwrap().reason, "sunk");
    assert_eq!(reason(&receive(&erp, "A", 1, &gone, false).await.unwrap_err()), "EXPECTED_ENDED");
    assert_eq!(cancel(&erp, &unknown).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(erp.figures("A").await[0], "18", "what was refused posted nothing");
    erp.balanced().await;
}

#[tokio::test]
async fn expected_receipts_are_entered_changed_and_refused_whole() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let first = expect(&erp, vec![input(1, "A", 5, "2026-03-10")]).await.unwrap().remove(0);
    let changed = expect(&erp, vec![input(1, "A", 7, "2026-03-12")]).await.unwrap().remove(0);
    assert_eq!((changed.expected_receipt_id, changed.version), (first.expected_receipt_id, 2));
    assert_eq!((value(&changed.quantity).as_str(), changed.expected_on.as_str()), ("7", "2026-03-12"));
    let also = input(2, "A", 1, "2026-03-12");
    for (bad, code) in [
        (input(1, "B", 5, "2026-03-10"), "EXPECTED_MISMATCH"),
        (input(3, "Z", 5, "2026-03-10"), "UNKNOWN_SKU"),
        (ExpectedReceiptInput { warehouse: "MARS".into(), ..input(3, "A", 5, "2026-03-10") }, "UNKNOWN_WAREHOUSE"),
        (
            ExpectedReceiptInput {
                quantity: Some(proto::common::v1::Quantity { value: "1".into(), unit: "kg".into() }),
                ..input(3, "A", 5, "2026-03-10")
            },
            "UNIT_MISMATCH",
        ),
    ] {
        assert_eq!(reason(&expect(&erp, vec![also.clone(), bad]).await.unwrap_err()), code);
    }
    let refused = expect(&erp, vec![also.clone(), also.clone()]).await.unwrap_err();
    assert_eq!(fields(&refused), ["receipts"]);
    let refused = expect(&erp, vec![ExpectedReceiptInput::default()]).await.unwrap_err();
    let all = ["source", "document_line", "quantity", "sku", "document", "expected_on"];
    assert_eq!(fields(&refused), all.map(|field| format!("receipts[0].{field}")));

    for (line, day) in [(5, "2026-03-15"), (4, "2026-03-11"), (6, "2026-03-11")] {
        expect(&erp, vec![input(line, if line == 6 { "B" } else { "A" }, 1, day)]).await.unwrap();
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token });
        let request = ListExpectedReceiptsRequest { page, sku: "A".into(), state: ExpectedState::Open.into() };
        let answer = erp.expected().list_expected_receipts(request).await.unwrap().into_inner();
        seen.extend(answer.receipts.into_iter().map(|one| one.document_line));
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [4, 1, 5]);
}

#[tokio::test]
async fn what_is_late_is_counted_for_tomorrow() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    expect(&erp, vec![input(1, "A", 5, "2026-02-20"), input(2, "A", 5, "2026-03-02")]).await.unwrap();
    assert_eq!(days(&promise(&erp, cart(&[("A", 5), ("A", 5)])).await), [("0", "2026-03-03"), ("0", "2026-03-03")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_changed_by_many_at_once_end_as_the_last_entries_say_and_nobody_misses_a_number() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let ids: Vec<Uuid> = (0..30).map(|_| service::new_id()).collect();
    for (id, n) in ids.iter().zip(0..) {
        erp.deliver(&[placed(order(*id, n, vec![line(1, "A", 1), line(2, "B", 1)]))]).await;
    }
    let change = async |n: i32| match n % 4 {
        0 => {
            let both = vec![input(n % 8 + 1, "A", 1, "2026-04-01"), input(n % 8 + 100, "B", 10, "2026-04-02")];
            expect(&erp, both).await.unwrap();
        }
        1 => {
            let both = vec![input(n % 8 + 200, "B", 5, "2026-05-01"), input(n % 8 + 300, "A", 1, "2026-05-02")];
            expect(&erp, both).await.unwrap();
        }
        2 => {
            erp.receive(&[goods("A", 1, "1", "L"), goods("B", 1, "1", "L")]).await;
        }
        _ => erp.deliver(&[cancelled(ids[usize::try_from(n).unwrap() % 30])]).await,
    };
    join_all((1..=100).map(change)).await;
    erp.balanced().await;
    for id in &ids {
        erp.told(id).await;
    }
    let waits = join_all(ids.iter().map(|id| erp.reservation(*id))).await;
    let lines = waits.iter().map(|one| &one.lines[0]).filter(|line| line.backordered != "0");
    let days: Vec<_> = lines.map(|line| (line.expected_on.is_empty(), line.expected_on.as_str())).collect();
    assert!(days.is_sorted(), "who came first is promised first: {days:?}");
}
