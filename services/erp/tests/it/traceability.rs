//! Where lots came from and where they went, with nothing missing.

use std::collections::BTreeMap;

use proto::{
    common::v1::PageRequest,
    erp::v1::{
        AdjustmentKind, LotFacts, LotRelation, MassBalance, PostReceiptRequest, ReceiptLineInput, SetLotFactsRequest,
        TraceLotRequest, TraceLotResponse, TransferLine, TransferStockRequest, receipt_line_input::Cost,
    },
    orders::v1::ReturnOutcome,
};
use tonic::{Code, Status};

use crate::{
    kit::{Erp, fields, goods, key, line, pcs, returned, rub},
    kits::{assemble, disassemble, put},
};

pub(crate) async fn trace(erp: &Erp, sku: &str, lot: &str) -> TraceLotResponse {
    let request = TraceLotRequest { sku: sku.into(), lot: lot.into(), ..TraceLotRequest::default() };
    erp.traces().trace_lot(request).await.unwrap().into_inner()
}

/// Receives a lot of a supplier's lot.
pub(crate) async fn receive_from(erp: &Erp, supplier: &str, supplier_lot: &str, lots: &[(&str, i64, &str)]) {
    let line = |(sku, quantity, lot): &(&str, i64, &str)| ReceiptLineInput {
        sku: (*sku).into(),
        quantity: pcs(quantity),
        cost: Some(Cost::UnitCost(rub(1).unwrap())),
        lot: (*lot).into(),
        supplier_lot: supplier_lot.into(),
        ..ReceiptLineInput::default()
    };
    let request = PostReceiptRequest {
        request_id: key(),
        supplier: supplier.into(),
        lines: lots.iter().map(line).collect(),
        ..PostReceiptRequest::default()
    };
    erp.receipts().post_receipt(request).await.unwrap();
}

/// Lots with relation and level.
fn shape(trace: &TraceLotResponse) -> Vec<(String, LotRelation, i32)> {
    trace.lots.iter().map(|lot| (format!("{}/{}", lot.sku, lot.lot), lot.relation(), lot.level)).collect()
}

fn lot(name: &str, relation: LotRelation, level: i32) -> (String, LotRelation, i32) {
    (name.to_owned(), relation, level)
}

#[tokio::test]
async fn a_lot_is_followed_over_two_levels_of_kits_to_its_orders_and_back_to_its_receipts() {
    use LotRelation::{Input, Output, Root};
    let erp = Erp::start().await;
    erp.know(&["A", "B", "C", "BOX", "GIFT"]).await;
    receive_from(&erp, "ACME", "S-7", &[("A", 10, "a")]).await;
    receive_from(&erp, "ACME", "S-8", &[("B", 10, "b")]).await;
    erp.receive(&[goods("C", 10, "1", "c")]).await;
    put(&erp, "BOX", &[("A", 2, 1), ("B", 1, 1)]).await.unwrap();
    put(&erp, "GIFT", &[("BOX", 1, 1), ("C", 1, 1)]).await.unwrap();
    assemble(&erp, "BOX", 3, "box", Vec::new()).await.unwrap();
    assemble(&erp, "GIFT", 2, "gift", Vec::new()).await.unwrap();
    let (gift, plain) = (erp.place(1, vec![line(1, "GIFT", 2)]).await, erp.place(2, vec![line(1, "A", 3)]).await);
    erp.ship(gift).await;
    erp.ship(plain).await;
    erp.deliver(&[returned(gift, &[(1, "", 1)], ReturnOutcome::Restock)]).await;

    let forward = trace(&erp, "A", "a").await;
    assert_eq!(shape(&forward), [lot("A/a", Root, 0), lot("BOX/box", Output, 1), lot("GIFT/gift", Output, 2)]);
    assert!(forward.balanced && !forward.truncated);
    let orders: BTreeMap<_, _> = forward
        .orders
        .iter()
        .map(|one| {
            (one.order_id.clone(), [&one.sku, &one.lot, &one.shipped, &one.returned, &one.out].map(String::as_str))
        })
        .collect();
    let expected = BTreeMap::from([
        (gift.to_string(), ["GIFT", "gift", "2", "1", "1"]),
        (plain.to_string(), ["A", "a", "3", "0", "3"]),
    ]);
    assert_eq!(orders, expected);
    let links: Vec<_> = forward
        .links
        .iter()
        .map(|link| {
            [&link.input_sku, &link.input_quantity, &link.output_sku, &link.output_quantity, &link.kind]
                .map(String::as_str)
        })
        .collect();
    assert_eq!(links, [["A", "6", "BOX", "3", "assembly"], ["BOX", "2", "GIFT", "2", "assembly"]]);

    let back = trace(&erp, "GIFT", "gift").await;
    let mut inputs = shape(&back);
    inputs.sort_by_key(|(name, _, level)| (*level, name.clone()));
    assert_eq!(
        inputs,
        [
            lot("GIFT/gift", Root, 0),
            lot("BOX/box", Input, 1),
            lot("C/c", Input, 1),
            lot("A/a", Input, 2),
            lot("B/b", Input, 2)
        ]
    );
    let a = back.lots.iter().find(|lot| lot.sku == "A").unwrap();
    assert_eq!((a.supplier.as_str(), a.supplier_lot.as_str(), a.receipts.len()), ("ACME", "S-7", 1));
    assert_eq!((a.receipts[0].quantity.as_str(), a.receipts[0].supplier.as_str()), ("10", "ACME"));
    assert_eq!(back.orders.len(), 1, "the order of the loose A got nothing of the gift");

    let request = TraceLotRequest { supplier_lot: "S-7".into(), ..TraceLotRequest::default() };
    let by_supplier = erp.traces().trace_lot(request).await.unwrap().into_inner();
    assert_eq!(by_supplier, forward);
    let request =
        TraceLotRequest { supplier_lot: "S-7".into(), supplier: "OTHER".into(), ..TraceLotRequest::default() };
    assert_eq!(erp.traces().trace_lot(request).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_lot_taken_apart_into_the_lot_it_was_made_of_is_a_circle_that_is_walked_once() {
    let erp = Erp::start().await;
    erp.know(&["A", "BOX"]).await;
    erp.receive(&[goods("A", 5, "1", "a")]).await;
    put(&erp, "BOX", &[("A", 1, 1)]).await.unwrap();
    assemble(&erp, "BOX", 3, "box", Vec::new()).await.unwrap();
    let back = proto::erp::v1::KitLot { sku: "A".into(), lot: "a".into(), quantity: None };
    disassemble(&erp, "BOX", 2, "box", vec![back]).await.unwrap();
    let found = trace(&erp, "A", "a").await;
    assert_eq!(shape(&found), [lot("A/a", LotRelation::Root, 0), lot("BOX/box", LotRelation::Output, 1)]);
    assert_eq!(found.links.len(), 2);
    let balance = found.lots[0].balance.clone().unwrap();
    assert_eq!(
        [balance.received, balance.made, balance.consumed, balance.on_hand, balance.difference],
        ["5", "2", "3", "4", "0"]
    );
}

async fn move_goods(erp: &Erp, from: &str, to: &str, quantity: i64) -> Result<(), Status> {
    let request = TransferStockRequest {
        request_id: key(),
        from_place: from.into(),
        to_place: to.into(),
        lines: vec![TransferLine { sku: "A".into(), lot: "a".into(), quantity: pcs(quantity) }],
        reason: "test".into(),
        ..TransferStockRequest::default()
    };
    erp.stock().transfer_stock(request).await.map(|_| ())
}

#[tokio::test]
async fn the_pieces_of_a_lot_add_up_whatever_happens_to_them_and_a_lost_one_shows() {
    let erp = Erp::start().await;
    erp.know(&["A", "BOX"]).await;
    erp.receive(&[goods("A", 60, "1", "a")]).await;
    erp.receive(&[goods("A", 40, "1", "a")]).await;
    let id = erp.place(1, vec![line(1, "A", 30)]).await;
    erp.ship(id).await;
    erp.deliver(&[returned(id, &[(1, "", 5)], ReturnOutcome::Restock)]).await;
    erp.deliver(&[returned(id, &[(1, "", 3)], ReturnOutcome::WriteOff)]).await;
    erp.deliver(&[returned(id, &[(1, "", 2)], ReturnOutcome::Repair)]).await;
    erp.adjust(AdjustmentKind::WriteOff, "A", "a", 4).await.unwrap();
    erp.adjust(AdjustmentKind::Count, "A", "a", 80).await.unwrap();
    erp.adjust(AdjustmentKind::Count, "A", "a", 73).await.unwrap();
    move_goods(&erp, "MAIN/DEFAULT", "TRANSIT", 6).await.unwrap();
    move_goods(&erp, "MAIN/DEFAULT", "MAIN/QUARANTINE", 1).await.unwrap();
    put(&erp, "BOX", &[("A", 4, 1)]).await.unwrap();
    assemble(&erp, "BOX", 5, "box", Vec::new()).await.unwrap();
    disassemble(
        &erp,
        "BOX",
        1,
        "box",
        vec![proto::erp::v1::KitLot { sku: "A".into(), lot: "a".into(), quantity: None }],
    )
    .await
    .unwrap();

    let found = trace(&erp, "A", "a").await;
    let expected = MassBalance {
        received: "100".into(),
        made: "4".into(),
        returned: "10".into(),
        counted_up: "9".into(),
        on_hand: "59".into(),
        shipped: "30".into(),
        written_off: "7".into(),
        consumed: "20".into(),
        counted_down: "7".into(),
        sent_back: "0".into(),
        difference: "0".into(),
    };
    assert_eq!(found.lots[0].balance, Some(expected));
    let places: Vec<_> = found.lots[0]
        .places
        .iter()
        .map(|one| (one.place.as_str(), one.warehouse.as_str(), one.on_hand.as_str()))
        .collect();
    assert_eq!(places, [("MAIN/DEFAULT", "MAIN", "50"), ("MAIN/QUARANTINE", "MAIN", "3"), ("TRANSIT", "", "6")]);
    assert_eq!(found.lots[0].receipts.len(), 2);
    assert!(found.balanced);

    let lost = "update stock_balance set on_hand = on_hand - 1 where on_hand > 10";
    sqlx::query(lost).execute(erp.app.db.pool()).await.unwrap();
    let found = trace(&erp, "A", "a").await;
    assert_eq!((found.lots[0].balance.clone().unwrap().difference.as_str(), found.balanced), ("1", false));
}

#[tokio::test]
async fn the_orders_of_a_lot_come_in_pages() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "1", "a")]).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let id = erp.place(n, vec![line(1, "A", 1)]).await;
        erp.ship(id).await;
        ids.push(id.to_string());
    }
    ids.sort();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token });
        let request = TraceLotRequest { page, sku: "A".into(), lot: "a".into(), ..TraceLotRequest::default() };
        let answer = erp.traces().trace_lot(request).await.unwrap().into_inner();
        assert!(answer.orders.len() <= 2);
        seen.extend(answer.orders.into_iter().map(|one| one.order_id));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn what_the_papers_say_of_a_lot_is_kept_and_shown() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 1, "1", "a")]).await;
    let facts = LotFacts {
        certificate: "RU D-CN.РА01.В.12345/26".into(),
        certified_on: "2026-03-01".into(),
        country: "CN".into(),
        manufacturer: "ACME".into(),
        made_on: "2026-01-15".into(),
    };
    let request =
        SetLotFactsRequest { request_id: key(), sku: "A".into(), lot: "a".into(), facts: Some(facts.clone()) };
    for _ in 0..2 {
        let answer = erp.traces().set_lot_facts(request.clone()).await.unwrap().into_inner();
        assert_eq!(answer.facts.as_ref(), Some(&facts));
    }
    assert_eq!(trace(&erp, "A", "a").await.lots[0].facts.as_ref(), Some(&facts));
    let bad = LotFacts { country: "cn".into(), certified_on: "soon".into(), ..facts };
    let bad = SetLotFactsRequest { request_id: key(), facts: Some(bad), ..request.clone() };
    let refused = erp.traces().set_lot_facts(bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["facts.country", "facts.certified_on"]);
    let unknown = SetLotFactsRequest { request_id: key(), lot: "zzz".into(), ..request };
    assert_eq!(erp.traces().set_lot_facts(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn unknown_lots_and_questions_that_name_none_or_too_much_are_refused() {
    let erp = Erp::start().await;
    let ask = async |request: TraceLotRequest| erp.traces().trace_lot(request).await.unwrap_err();
    let unknown = TraceLotRequest { sku: "A".into(), lot: "a".into(), ..TraceLotRequest::default() };
    assert_eq!(ask(unknown.clone()).await.code(), Code::NotFound);
    assert_eq!(fields(&ask(TraceLotRequest { supplier_lot: "s".into(), ..unknown.clone() }).await), ["lot"]);
    assert_eq!(fields(&ask(TraceLotRequest { sku: String::new(), ..unknown }).await), ["sku"]);
    let missing = TraceLotRequest { supplier_lot: "s".into(), ..TraceLotRequest::default() };
    assert_eq!(ask(missing).await.code(), Code::NotFound);
    erp.know(&["A"]).await;
    let lots: Vec<String> = (0..101).map(|n| format!("l{n}")).collect();
    let lines: Vec<_> = lots.iter().map(|lot| ("A", 1, lot.as_str())).collect();
    receive_from(&erp, "ACME", "S", &lines).await;
    let many = TraceLotRequest { supplier_lot: "S".into(), ..TraceLotRequest::default() };
    assert_eq!(fields(&ask(many).await), ["supplier_lot"]);
}
