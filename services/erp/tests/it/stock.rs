//! Values, corrections, transfers, lot status, the recount.

use proto::{
    common::v1::PageRequest,
    erp::v1::{
        AdjustStockRequest, AdjustmentKind, GetAvailabilityRequest, GetStockRequest, ListMovesRequest, LotStatus,
        TransferLine, TransferStockRequest, TransferStockResponse, UpsertWarehouseRequest, VerifyLedgerRequest,
    },
};
use tonic::{Code, Status};

use crate::kit::{Erp, In, amount, fields, goods, key, line, pcs, reason, rub};

async fn transfer(erp: &Erp, from: &str, to: &str, lot: &str, quantity: i64) -> Result<TransferStockResponse, Status> {
    let request = TransferStockRequest {
        request_id: key(),
        from_place: from.into(),
        to_place: to.into(),
        lines: vec![TransferLine { sku: "A".into(), lot: lot.into(), quantity: pcs(quantity) }],
        reason: "test".into(),
        moved_at: None,
    };
    erp.stock().transfer_stock(request).await.map(tonic::Response::into_inner)
}

async fn ship_out(erp: &Erp, n: i64, quantity: i64) -> String {
    let id = erp.place(n, vec![line(1, "A", quantity)]).await;
    amount(&erp.ship(id).await.cost)
}

#[tokio::test]
async fn s1_within_a_lot_the_average_moves() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "10", "L")]).await;
    erp.receive(&[goods("A", 10, "20", "L")]).await;
    assert_eq!(ship_out(&erp, 1, 15).await, "225.00");
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("5", "75.00"));
}

#[tokio::test]
async fn s2_over_lots_the_first_in_goes_out_first() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "10", "L1")]).await;
    erp.receive(&[goods("A", 10, "20", "L2")]).await;
    assert_eq!(ship_out(&erp, 1, 15).await, "200.00");
    assert_eq!(erp.worth("A").await, "100.00");
}

#[tokio::test]
async fn s4_each_piece_costs_what_its_lot_cost() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 4, "10", "L1"), goods("A", 2, "25", "L2")]).await;
    assert_eq!(ship_out(&erp, 1, 3).await, "30.00");
    assert_eq!(ship_out(&erp, 2, 1).await, "10.00");
    assert_eq!(ship_out(&erp, 3, 1).await, "25.00");
}

#[tokio::test]
async fn s5_batches_are_valued_by_themselves() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let mut worth = Vec::new();
    for (lot, cost) in [("b0", "100"), ("b1", "50"), ("b0", "150"), ("b1", "100")] {
        erp.receive(&[goods("A", 1, cost, lot)]).await;
        worth.push(erp.worth("A").await);
    }
    assert_eq!(worth, ["100.00", "150.00", "300.00", "400.00"]);
    // A write-off takes the named lot, so the order of the batches can be chosen.
    let mut taken = Vec::new();
    for lot in ["b1", "b0", "b1", "b0"] {
        let done = erp.adjust(AdjustmentKind::WriteOff, "A", lot, 1).await.unwrap();
        taken.push(amount(&done.value));
    }
    assert_eq!(taken, ["-75.00", "-125.00", "-75.00", "-125.00"]);
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("0", "0.00"));
    erp.balanced().await;
}

#[tokio::test]
async fn who_counts_sees_pieces_and_only_who_may_sees_what_they_are_worth() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 3, "10", "L")]).await;
    let client = erp.app.client(&["erp.stock.read", "erp.stock.adjust", "erp.stock.transfer"]);
    let mut counter = proto::erp::v1::stock_service_client::StockServiceClient::new(client);
    let stock = counter.get_stock(GetStockRequest { sku: "A".into() }).await.unwrap().into_inner();
    assert_eq!((stock.value, stock.lots[0].value.clone(), stock.lots[0].on_hand.as_str()), (None, None, "3"));
    let request = ListMovesRequest { sku: "A".into(), ..ListMovesRequest::default() };
    let moves = counter.list_moves(request).await.unwrap().into_inner().moves;
    assert_eq!((moves[0].value.clone(), moves[0].quantity.as_str()), (None, "3"));
    let request = AdjustStockRequest {
        request_id: key(),
        warehouse: "MAIN".into(),
        sku: "A".into(),
        lot: "L".into(),
        kind: AdjustmentKind::Count.into(),
        quantity: pcs(2),
        reason: "counted".into(),
        ..AdjustStockRequest::default()
    };
    let counted = counter.adjust_stock(request).await.unwrap().into_inner();
    assert_eq!((counted.value, counted.difference.as_str()), (None, "-1"));
    assert_eq!(erp.worth("A").await, "20.00");
}

#[tokio::test]
async fn s8_a_transfer_moves_the_exact_value() {
    let erp = Erp::start().await;
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 3, "3.33333", "L")]).await;
    let mut moved = Vec::new();
    for _ in 0..3 {
        moved.push(amount(&transfer(&erp, "MAIN/DEFAULT", "TRANSIT", "L", 1).await.unwrap().value));
        assert_eq!(erp.worth("A").await, "10.00", "nothing is lost on the way");
    }
    assert_eq!(moved, ["3.33", "3.34", "3.33"]);
    assert_eq!(erp.figures("A").await[0], "0", "goods in transit are nobody's stock");
    assert_eq!(amount(&transfer(&erp, "TRANSIT", "SPB/DEFAULT", "L", 3).await.unwrap().value), "10.00");
    let lots = erp.stock_of("A").await.lots;
    assert_eq!((lots.len(), lots[0].warehouse.as_str(), amount(&lots[0].value).as_str()), (1, "SPB", "10.00"));
    erp.balanced().await;
}

#[tokio::test]
async fn only_free_goods_are_transferred_and_only_between_own_places() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    erp.place(1, vec![line(1, "A", 3)]).await;
    let refused = transfer(&erp, "MAIN/DEFAULT", "MAIN/QUARANTINE", "L", 3).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NOT_ENOUGH_STOCK"));
    transfer(&erp, "MAIN/DEFAULT", "MAIN/QUARANTINE", "L", 2).await.unwrap();
    assert_eq!(erp.figures("A").await, ["3", "3", "0", "0"]);
    let refused = transfer(&erp, "MAIN/QUARANTINE", "LOSS", "L", 1).await.unwrap_err();
    assert_eq!(reason(&refused), "UNKNOWN_PLACE");
    let refused = transfer(&erp, "TRANSIT", "TRANSIT", "L", 1).await.unwrap_err();
    assert_eq!(fields(&refused), ["to_place"]);
    let refused = transfer(&erp, "TRANSIT", "MAIN/DEFAULT", "L", 1).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENOUGH_STOCK");
    assert_eq!(transfer(&erp, "MAIN/DEFAULT", "TRANSIT", "Z", 1).await.unwrap_err().code(), Code::NotFound);
    transfer(&erp, "MAIN/QUARANTINE", "MAIN/DEFAULT", "L", 2).await.unwrap();
    assert_eq!(erp.figures("A").await, ["5", "3", "2", "0"]);
    let empty = TransferStockRequest { request_id: "k".into(), ..TransferStockRequest::default() };
    let refused = erp.stock().transfer_stock(empty).await.unwrap_err();
    assert_eq!(fields(&refused), ["lines", "from_place", "to_place"]);
    erp.balanced().await;
}

#[tokio::test]
async fn a_count_posts_the_difference_at_the_cost_of_the_lot() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 3, "10", "L")]).await;
    let more = erp.adjust(AdjustmentKind::Count, "A", "L", 5).await.unwrap();
    assert_eq!((more.difference.as_str(), amount(&more.value).as_str()), ("2", "20.00"));
    let same = erp.adjust(AdjustmentKind::Count, "A", "L", 5).await.unwrap();
    assert_eq!((same.difference.as_str(), amount(&same.value).as_str()), ("0", "0.00"));
    let none = erp.adjust(AdjustmentKind::Count, "A", "L", 0).await.unwrap();
    assert_eq!((none.difference.as_str(), amount(&none.value).as_str()), ("-5", "-50.00"));
    let found = erp.adjust(AdjustmentKind::Count, "A", "L", 1).await.unwrap();
    assert_eq!(amount(&found.value), "10.00", "what it cost when it came in");
    let request = AdjustStockRequest {
        request_id: key(),
        warehouse: "MAIN".into(),
        place: "MAIN/QUARANTINE".into(),
        sku: "A".into(),
        lot: "L".into(),
        kind: AdjustmentKind::Count.into(),
        quantity: pcs(2),
        reason: "found".into(),
        unit_cost: rub("1.005"),
        moved_at: None,
    };
    let first = erp.stock().adjust_stock(request.clone()).await.unwrap().into_inner();
    assert_eq!(amount(&first.value), "2.01");
    assert_eq!(erp.stock().adjust_stock(request).await.unwrap().into_inner(), first, "the same key is one count");
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("1", "12.01"));
    erp.balanced().await;
}

#[tokio::test]
async fn a_count_below_what_is_held_moves_reservations_and_picked_goods_stop_it() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "10", "L1")]).await;
    let first = erp.place(1, vec![line(1, "A", 4)]).await;
    let second = erp.place(2, vec![line(1, "A", 6)]).await;
    erp.receive(&[goods("A", 3, "10", "L2")]).await;
    erp.adjust(AdjustmentKind::Count, "A", "L1", 5).await.unwrap();
    assert_eq!(erp.lots(first, 1).await, [("L1".into(), "4".into())], "who came first keeps");
    assert_eq!(erp.lots(second, 1).await, [("L1".into(), "1".into()), ("L2".into(), "3".into())]);
    assert_eq!(erp.has(second, 1).await, ("4".into(), "2".into()));
    erp.pick(first).await;
    let refused = erp.adjust(AdjustmentKind::Count, "A", "L1", 3).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PICKED_STOCK"));
    let refused = erp.adjust(AdjustmentKind::WriteOff, "A", "L1", 6).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENOUGH_STOCK");
    assert_eq!(erp.adjust(AdjustmentKind::Count, "A", "Z", 1).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(reason(&erp.adjust(AdjustmentKind::Count, "Z", "Z", 1).await.unwrap_err()), "UNKNOWN_SKU");
    assert_eq!(fields(&erp.adjust(AdjustmentKind::Unspecified, "A", "L1", 1).await.unwrap_err()), ["kind"]);
    assert_eq!(fields(&erp.adjust(AdjustmentKind::WriteOff, "A", "L1", 0).await.unwrap_err()), ["quantity"]);
    erp.balanced().await;
}

#[tokio::test]
async fn a_blocked_lot_is_taken_from_orders_and_given_back_when_freed() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let lot = |lot, expires_on| In { expires_on, ..goods("A", 4, "10", lot) };
    erp.receive(&[lot("bad", "2027-01-01"), lot("good", "2028-01-01")]).await;
    let id = erp.place(1, vec![line(1, "A", 6)]).await;
    let blocked = erp.set_lot("A", "bad", LotStatus::Blocked).await.unwrap();
    assert_eq!(blocked.displaced, "4");
    assert_eq!(erp.lots(id, 1).await, [("good".into(), "4".into())]);
    assert_eq!(erp.figures("A").await, ["8", "4", "0", "2"]);
    erp.set_lot("A", "bad", LotStatus::Available).await.unwrap();
    assert_eq!(erp.lots(id, 1).await, [("bad".into(), "2".into()), ("good".into(), "4".into())]);
    erp.pick(id).await;
    assert_eq!(reason(&erp.set_lot("A", "bad", LotStatus::Quarantined).await.unwrap_err()), "PICKED_STOCK");
    assert_eq!(erp.set_lot("A", "zzz", LotStatus::Blocked).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(fields(&erp.set_lot("A", "bad", LotStatus::Unspecified).await.unwrap_err()), ["status"]);
    erp.balanced().await;
}

#[tokio::test]
async fn availability_is_told_in_total_and_by_warehouse() {
    let erp = Erp::start().await;
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    erp.know(&["A", "B", "C"]).await;
    erp.receive(&[goods("A", 5, "10", "L"), In { expires_on: "2026-03-01", ..goods("A", 1, "10", "old") }]).await;
    erp.receive_into("SPB", &[goods("A", 2, "10", "L")]).await;
    erp.place(1, vec![line(1, "A", 4), line(2, "B", 9)]).await;
    let skus = ["C", "B", "A", "nope", "A"].map(String::from).to_vec();
    let request = GetAvailabilityRequest { skus, by_warehouse: true };
    let answer = erp.stock().get_availability(request).await.unwrap().into_inner();
    let totals: Vec<_> = answer
        .totals
        .iter()
        .map(|one| {
            [&one.sku, &one.on_hand, &one.reserved, &one.free, &one.available, &one.backordered].map(String::as_str)
        })
        .collect();
    let expected = [["A", "8", "4", "4", "3", "0"], ["B", "0", "0", "0", "0", "9"], ["C", "0", "0", "0", "0", "0"]];
    assert_eq!(totals, expected);
    let houses: Vec<_> = answer
        .warehouses
        .iter()
        .map(|one| [&one.sku, &one.warehouse, &one.available, &one.backordered].map(String::as_str))
        .collect();
    assert_eq!(houses, [["A", "MAIN", "1", "0"], ["A", "SPB", "2", "0"], ["B", "MAIN", "0", "9"]]);
    assert_eq!(answer.unknown_skus, ["nope"]);
    let none = GetAvailabilityRequest { skus: Vec::new(), by_warehouse: false };
    assert_eq!(fields(&erp.stock().get_availability(none).await.unwrap_err()), ["skus"]);
    let many = GetAvailabilityRequest { skus: vec!["A".into(); 501], by_warehouse: false };
    assert_eq!(fields(&erp.stock().get_availability(many).await.unwrap_err()), ["skus"]);
    let unknown = GetStockRequest { sku: "nope".into() };
    assert_eq!(erp.stock().get_stock(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn the_ledger_is_read_newest_first_and_cannot_be_changed() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    for n in 1..=5 {
        erp.receive(&[goods("A", n, "1", "L"), goods("A", 10 * n, "1", "M"), goods("B", n, "1", "L")]).await;
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token });
        let request = ListMovesRequest { page, sku: "A".into(), lot: "L".into(), order_id: String::new() };
        let answer = erp.stock().list_moves(request).await.unwrap().into_inner();
        seen.extend(answer.moves.into_iter().map(|one| one.quantity));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["5", "4", "3", "2", "1"]);
    let request = ListMovesRequest { sku: "A".into(), ..ListMovesRequest::default() };
    assert_eq!(erp.stock().list_moves(request).await.unwrap().into_inner().moves.len(), 10);
    assert_eq!(fields(&erp.stock().list_moves(ListMovesRequest::default()).await.unwrap_err()), ["sku"]);
    let bad = ListMovesRequest { order_id: "x".into(), lot: "L".into(), ..ListMovesRequest::default() };
    assert_eq!(fields(&erp.stock().list_moves(bad).await.unwrap_err()), ["order_id", "sku", "lot"]);
    for statement in ["update stock_move set quantity = 1", "delete from stock_move"] {
        let refused = sqlx::query(statement).execute(erp.app.db.pool()).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

#[tokio::test]
async fn the_recount_finds_every_kind_of_falsified_record() {
    let falsify = [
        ("layer_moves", "update cost_layer set value = value + 0.01"),
        ("layer_moves", "update cost_layer set quantity = quantity + 1"),
        ("balance_moves", "update stock_balance set on_hand = on_hand + 1"),
        ("balance_reserved", "update stock_balance set reserved = reserved - 1 where reserved > 0"),
        ("line_reserved", "update demand_line set reserved = reserved - 1, ordered = ordered - 1 where reserved > 0"),
        ("line_reserved", "update demand_line set shipped = shipped + 1, ordered = ordered + 1 where shipped > 0"),
        ("item_totals", "update stock_item set on_hand = on_hand + 1"),
        ("item_totals", "update stock_item set backordered = backordered + 1"),
        ("closed_reservations", "update demand set state = 'cancelled'"),
        ("balance_facts", "update stock_balance set sellable = not sellable"),
        ("balance_facts", "update lot set status = 'blocked'"),
        ("balance_facts", "update stock_balance set expires_on = '2030-01-01'"),
        ("shipped_moves", "update shipment_line set cost = cost + 0.01 where cost > 0"),
        (
            "empty_value",
            "insert into stock_move (moved_at, recorded_at, from_place, to_place, sku, quantity, value, cause_kind, cause_id,
                created_by)
             select now(), now(), 7, 6, 'A', 0, 1, 'revaluation', gen_random_uuid(), 'test'",
        ),
        (
            "oversell",
            "insert into reservation (id, order_id, line_no, sku, lot_id, place_id, quantity, created_at)
             select gen_random_uuid(), order_id, line_no, sku, lot_id, place_id, 1000, now() from reservation limit 1",
        ),
    ];
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 20, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 5)]).await;
    crate::fulfilment::ship_part(&erp, id, 1, 2).await;
    erp.balanced().await;
    for (name, statement) in falsify {
        let mut tx = erp.app.db.begin().await.unwrap();
        assert!(sqlx::raw_sql(statement).execute(&mut *tx).await.unwrap().rows_affected() > 0, "{statement}");
        let found = erp::ledger::queries::verify(&mut tx).await.unwrap();
        let check = found.checks.iter().find(|check| check.name == name).unwrap();
        assert!(check.differences > 0 && !check.samples.is_empty(), "{name}: {statement}");
    }
    erp.balanced().await;
    let answer = erp.stock().verify_ledger(VerifyLedgerRequest {}).await.unwrap().into_inner();
    assert_eq!((answer.moves, amount(&answer.stock_value).as_str()), (2, "180.00"));
    erp.app.run_job("erp_verify_ledger").await.unwrap();
}

#[tokio::test]
async fn the_database_itself_refuses_overselling_and_ending_a_reservation_twice() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 3)]).await;
    erp.ship(id).await;
    for (constraint, statement) in [
        ("stock_balance_reserved", "update stock_balance set reserved = on_hand + 1"),
        ("stock_balance_on_hand", "update stock_balance set on_hand = -1, reserved = -1"),
        ("cost_layer_quantity", "update cost_layer set quantity = 0"),
        ("stock_item_reserved", "update stock_item set reserved = on_hand + 1"),
        ("already ended", "update reservation set state = 'released' where state = 'shipped'"),
        ("demand_line_never_more_than_wanted", "update demand_line set shipped = shipped + 1"),
    ] {
        let refused = sqlx::query(statement).execute(erp.app.db.pool()).await.unwrap_err().to_string();
        assert!(refused.contains(constraint), "{statement}: {refused}");
    }
}
