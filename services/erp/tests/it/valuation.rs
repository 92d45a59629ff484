//! What stock is worth: methods, the past, periods, corrections.

use erp::ledger::{
    commands::{finish, lock, post},
    domain::{Cause, Move, PRODUCTION, Place, PlaceKind, Worth},
};
use proto::erp::v1::{
    AdjustStockRequest, AdjustmentKind, ClosePeriodRequest, CorrectReceiptCostRequest, CorrectReceiptCostResponse,
    CostOfSalesRevised, GetPeriodRequest, GetStockAsOfRequest, GetStockAsOfResponse, ItemInput, ListMovesRequest,
    ListValuationRequest, PostReceiptRequest, Receipt, ReceiptLineInput, ReopenPeriodRequest, SetStandardCostsRequest,
    SetValuationMethodRequest, StandardCost, TransferLine, TransferStockRequest, UpsertItemsRequest,
    UpsertWarehouseRequest, ValuationMethod, erp_event::Event, receipt_line_input::Cost,
};
use proto::orders::v1::ReturnOutcome;
use time::{Duration, OffsetDateTime};
use tonic::{Code, Status};

use crate::kit::{Erp, amount, fields, goods, key, line, pcs, reason, returned, rub};

/// A receipt of one line at a moment.
pub(crate) async fn received_at(
    erp: &Erp,
    sku: &str,
    quantity: i64,
    unit_cost: &str,
    lot: &str,
    at: OffsetDateTime,
) -> Result<Receipt, Status> {
    let line = ReceiptLineInput {
        sku: sku.into(),
        quantity: pcs(quantity),
        cost: Some(Cost::UnitCost(rub(unit_cost).unwrap())),
        lot: lot.into(),
        ..ReceiptLineInput::default()
    };
    let request = PostReceiptRequest {
        request_id: key(),
        supplier: "SUP".into(),
        lines: vec![line],
        received_at: Some(proto::to_timestamp(at)),
        ..PostReceiptRequest::default()
    };
    erp.receipts().post_receipt(request).await.map(|answer| answer.into_inner().receipt.unwrap())
}

/// Corrects a lot in the default bin at a moment.
async fn adjusted_at(
    erp: &Erp,
    kind: AdjustmentKind,
    lot: &str,
    quantity: i64,
    at: OffsetDateTime,
) -> Result<(String, String), Status> {
    let request = AdjustStockRequest {
        request_id: key(),
        warehouse: "MAIN".into(),
        sku: "A".into(),
        lot: lot.into(),
        kind: kind.into(),
        quantity: pcs(quantity),
        reason: "test".into(),
        moved_at: Some(proto::to_timestamp(at)),
        ..AdjustStockRequest::default()
    };
    let done = erp.stock().adjust_stock(request).await?.into_inner();
    Ok((done.difference, amount(&done.value)))
}

async fn set_method(erp: &Erp, category: &str, method: ValuationMethod) -> Result<(i32, bool), Status> {
    let request = SetValuationMethodRequest {
        request_id: key(),
        category: category.into(),
        method: method.into(),
        at: None,
        reason: "policy".into(),
    };
    let done = erp.valuation().set_valuation_method(request).await?.into_inner();
    Ok((done.revalued, done.remaining))
}

pub(crate) async fn correct_cost(
    erp: &Erp,
    receipt: &Receipt,
    line_cost: &str,
) -> Result<CorrectReceiptCostResponse, Status> {
    let request = CorrectReceiptCostRequest {
        request_id: key(),
        receipt_id: receipt.receipt_id.clone(),
        line_no: 1,
        line_cost: rub(line_cost),
        reason: "the invoice says so".into(),
    };
    erp.valuation().correct_receipt_cost(request).await.map(tonic::Response::into_inner)
}

pub(crate) async fn as_of(erp: &Erp, sku: &str, at: OffsetDateTime) -> GetStockAsOfResponse {
    let request = GetStockAsOfRequest { sku: sku.into(), at: Some(proto::to_timestamp(at)) };
    erp.valuation().get_stock_as_of(request).await.unwrap().into_inner()
}

async fn was(erp: &Erp, at: OffsetDateTime) -> (String, String) {
    let found = as_of(erp, "A", at).await;
    (found.on_hand, amount(&found.value))
}

pub(crate) async fn close(erp: &Erp, through: &str) -> Result<String, Status> {
    let request = ClosePeriodRequest { request_id: key(), through: through.into(), reason: String::new() };
    Ok(erp.valuation().close_period(request).await?.into_inner().closed_through)
}

/// What was told about revised costs.
pub(crate) async fn revisions(erp: &Erp) -> Vec<CostOfSalesRevised> {
    let facts = erp.facts("cost_of_sales_revised").await;
    let revised = |fact| match fact {
        Event::CostOfSalesRevised(fact) => fact,
        _ => unreachable!(),
    };
    facts.into_iter().map(revised).collect()
}

async fn ship_out(erp: &Erp, n: i64, quantity: i64) -> String {
    let id = erp.place(n, vec![line(1, "A", quantity)]).await;
    amount(&erp.ship(id).await.cost)
}

#[tokio::test]
async fn s1_the_moving_average_of_an_item_over_its_lots() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    set_method(&erp, "", ValuationMethod::Average).await.unwrap();
    erp.receive(&[goods("A", 10, "10", "L1")]).await;
    erp.receive(&[goods("A", 10, "20", "L2")]).await;
    assert_eq!(ship_out(&erp, 1, 15).await, "225.00");
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("5", "75.00"));
    erp.balanced().await;
}

#[tokio::test]
async fn s2_first_in_first_out_within_one_lot() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    set_method(&erp, "", ValuationMethod::Fifo).await.unwrap();
    erp.receive(&[goods("A", 10, "10", "L")]).await;
    erp.receive(&[goods("A", 10, "20", "L")]).await;
    assert_eq!(ship_out(&erp, 1, 15).await, "200.00");
    assert_eq!(erp.worth("A").await, "100.00");
    // A transfer takes the layers' exact value along.
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    let lines = vec![TransferLine { sku: "A".into(), lot: "L".into(), quantity: pcs(2) }];
    let (from_place, to_place) = ("MAIN/DEFAULT".into(), "SPB/DEFAULT".into());
    let request =
        TransferStockRequest { request_id: key(), from_place, to_place, lines, ..TransferStockRequest::default() };
    assert_eq!(amount(&erp.stock().transfer_stock(request).await.unwrap().into_inner().value), "40.00");
    assert_eq!(erp.worth("A").await, "100.00");
    erp.balanced().await;
}

#[tokio::test]
async fn s3_returns_at_average_cost_over_lots() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    set_method(&erp, "", ValuationMethod::Average).await.unwrap();
    erp.receive(&[goods("A", 1, "10", "L1")]).await;
    erp.receive(&[goods("A", 1, "20", "L2")]).await;
    let id = erp.place(1, vec![line(1, "A", 1)]).await;
    assert_eq!(amount(&erp.ship(id).await.cost), "15.00");
    erp.deliver(&[returned(id, &[(1, "A", 1)], ReturnOutcome::Restock)]).await;
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("2", "30.00"));
    erp.balanced().await;
}

#[tokio::test]
async fn s4_first_in_first_out_with_another_unit() {
    let erp = Erp::start().await;
    let item = ItemInput { sku: "F".into(), unit: "kg".into(), category: "Flour".into(), ..ItemInput::default() };
    erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items: vec![item] }).await.unwrap();
    set_method(&erp, "Flour", ValuationMethod::Fifo).await.unwrap();
    let receive = async |kilos: &str, unit_cost: &str| {
        let quantity = Some(proto::common::v1::Quantity { value: kilos.into(), unit: "kg".into() });
        let cost = Some(Cost::UnitCost(rub(unit_cost).unwrap()));
        let line = ReceiptLineInput { sku: "F".into(), quantity, cost, lot: "L".into(), ..ReceiptLineInput::default() };
        let request = PostReceiptRequest { request_id: key(), lines: vec![line], ..PostReceiptRequest::default() };
        erp.receipts().post_receipt(request).await.unwrap();
    };
    receive("4", "10").await;
    receive("2", "25").await;
    let mut taken = Vec::new();
    for kilos in ["3", "1", "1"] {
        let request = AdjustStockRequest {
            request_id: key(),
            warehouse: "MAIN".into(),
            sku: "F".into(),
            lot: "L".into(),
            kind: AdjustmentKind::WriteOff.into(),
            quantity: Some(proto::common::v1::Quantity { value: kilos.into(), unit: "kg".into() }),
            reason: "test".into(),
            ..AdjustStockRequest::default()
        };
        taken.push(amount(&erp.stock().adjust_stock(request).await.unwrap().into_inner().value));
    }
    assert_eq!(taken, ["-30.00", "-10.00", "-25.00"]);
    erp.balanced().await;
}

#[tokio::test]
async fn a_receipt_booked_late_changes_what_left_since() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let start = erp.now();
    erp.receive(&[goods("A", 10, "10", "L")]).await;
    erp.app.clock.advance(Duration::days(2));
    let id = erp.place(1, vec![line(1, "A", 5)]).await;
    assert_eq!(amount(&erp.ship(id).await.cost), "50.00");
    let back = returned(id, &[(1, "A", 2)], ReturnOutcome::Restock);
    erp.deliver(&[back]).await;
    // Ten more had come in the day before, for twice as much: each piece cost 15.
    received_at(&erp, "A", 10, "20", "L", start + Duration::days(1)).await.unwrap();
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("17", "255.00"));
    let told = revisions(&erp).await;
    assert_eq!((told.len(), told[0].order_id.clone()), (1, id.to_string()));
    assert_eq!((amount(&told[0].difference), amount(&told[0].lines[0].difference)), ("15.00".into(), "15.00".into()));
    assert_eq!(was(&erp, start).await, ("10".into(), "100.00".into()));
    assert_eq!(was(&erp, start + Duration::days(1)).await, ("20".into(), "300.00".into()));
    let request = ListMovesRequest { sku: "A".into(), ..ListMovesRequest::default() };
    let moves = erp.stock().list_moves(request).await.unwrap().into_inner().moves;
    let entries: Vec<_> = moves
        .iter()
        .filter(|one| one.corrects > 0)
        .map(|one| (one.quantity.as_str(), one.cause_kind.as_str(), amount(&one.value)))
        .collect();
    assert_eq!(entries, [("0", "recost", "10.00".into()), ("0", "recost", "25.00".into())]);
    // What comes back later comes back at what it now cost.
    erp.deliver(&[returned(id, &[(1, "A", 3)], ReturnOutcome::Restock)]).await;
    assert_eq!(erp.worth("A").await, "300.00");
    erp.balanced().await;
}

#[tokio::test]
async fn what_would_have_been_missing_cannot_be_taken_out_of_the_past() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let start = erp.now();
    erp.receive(&[goods("A", 4, "10", "L")]).await;
    erp.app.clock.advance(Duration::days(2));
    ship_out(&erp, 1, 4).await;
    erp.app.clock.advance(Duration::days(2));
    erp.receive(&[goods("A", 4, "12", "L")]).await;
    let late = start + Duration::days(1);
    let refused = adjusted_at(&erp, AdjustmentKind::WriteOff, "L", 1, late).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PAST_WOULD_BE_NEGATIVE"));
    assert!(refused.message().starts_with("1 of A lot L would have been missing in MAIN/DEFAULT"), "{refused}");
    let lines = vec![TransferLine { sku: "A".into(), lot: "L".into(), quantity: pcs(1) }];
    let (from_place, to_place) = ("MAIN/DEFAULT".into(), "TRANSIT".into());
    let moved_at = Some(proto::to_timestamp(late));
    let request = TransferStockRequest {
        request_id: key(),
        from_place,
        to_place,
        lines,
        moved_at,
        ..TransferStockRequest::default()
    };
    assert_eq!(reason(&erp.stock().transfer_stock(request).await.unwrap_err()), "PAST_WOULD_BE_NEGATIVE");
    let future = erp.now() + Duration::hours(1);
    assert_eq!(fields(&adjusted_at(&erp, AdjustmentKind::WriteOff, "L", 1, future).await.unwrap_err()), ["moved_at"]);
    // After the second receipt there was something to lose.
    let lost = adjusted_at(&erp, AdjustmentKind::WriteOff, "L", 1, erp.now()).await.unwrap();
    assert_eq!(lost, ("-1".into(), "-12.00".into()));
    assert_eq!(erp.worth("A").await, "36.00");
    erp.balanced().await;
}

#[tokio::test]
async fn a_count_of_the_past_is_compared_with_what_was_there_then() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let start = erp.now();
    erp.receive(&[goods("A", 10, "10", "L")]).await;
    erp.app.clock.advance(Duration::days(2));
    ship_out(&erp, 1, 4).await;
    let counted = adjusted_at(&erp, AdjustmentKind::Count, "L", 9, start + Duration::days(1)).await.unwrap();
    assert_eq!(counted, ("-1".into(), "-10.00".into()));
    assert_eq!((erp.figures("A").await[0].as_str(), erp.worth("A").await.as_str()), ("5", "50.00"));
    let found = adjusted_at(&erp, AdjustmentKind::Count, "L", 12, start + Duration::days(1)).await.unwrap();
    assert_eq!(found, ("3".into(), "30.00".into()));
    assert_eq!(was(&erp, start + Duration::days(1)).await, ("12".into(), "120.00".into()));
    erp.balanced().await;
}

#[tokio::test]
async fn a_corrected_price_follows_the_goods_and_the_same_request_corrects_once() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let receipt = erp.receive(&[goods("A", 10, "10", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 4)]).await;
    erp.ship(id).await;
    let request = CorrectReceiptCostRequest {
        request_id: key(),
        receipt_id: receipt.receipt_id.clone(),
        line_no: 1,
        line_cost: rub("111.11"),
        reason: "typed wrong".into(),
    };
    let first = erp.valuation().correct_receipt_cost(request.clone()).await.unwrap().into_inner();
    assert_eq!(amount(&first.difference), "11.11");
    assert_eq!(erp.valuation().correct_receipt_cost(request).await.unwrap().into_inner(), first);
    // 4 of 10 pieces of 111.11 are 44.44.
    assert_eq!(erp.worth("A").await, "66.67");
    assert_eq!(amount(&revisions(&erp).await[0].difference), "4.44");
    assert_eq!(amount(&correct_cost(&erp, &receipt, "100").await.unwrap().difference), "-11.11");
    assert_eq!((erp.worth("A").await, amount(&revisions(&erp).await[1].difference)), ("60.00".into(), "-4.44".into()));
    assert_eq!(amount(&correct_cost(&erp, &receipt, "100").await.unwrap().difference), "0.00");
    assert_eq!(revisions(&erp).await.len(), 2);
    let unknown = Receipt { receipt_id: service::new_id().to_string(), ..receipt.clone() };
    assert_eq!(correct_cost(&erp, &unknown, "1").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(fields(&correct_cost(&erp, &receipt, "-1").await.unwrap_err()), ["line_cost"]);
    let told = erp.told(id).await;
    assert_eq!(told.iter().filter(|name| *name == "cost_of_sales_revised").count(), 2);
    erp.balanced().await;
}

#[tokio::test]
async fn closed_periods_stay_as_they_were_and_differences_go_to_the_open_one() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let start = erp.now();
    let receipt = received_at(&erp, "A", 10, "10", "L", start).await.unwrap();
    ship_out(&erp, 1, 4).await;
    erp.app.clock.advance(Duration::days(40));
    let day = |at: OffsetDateTime| (at + Duration::hours(3)).date().to_string();
    let yesterday = erp.now() - Duration::days(1);
    assert_eq!(reason(&close(&erp, &day(erp.now())).await.unwrap_err()), "PERIOD_NOT_OVER");
    assert_eq!(close(&erp, &day(yesterday)).await.unwrap(), day(yesterday));
    let read = erp.valuation().get_period(GetPeriodRequest {}).await.unwrap().into_inner();
    assert_eq!(read.closed_through, day(yesterday));
    assert_eq!(reason(&close(&erp, &day(start)).await.unwrap_err()), "PERIOD_CLOSED");
    let refused = received_at(&erp, "A", 1, "1", "L", start).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PERIOD_CLOSED"));

    let before = was(&erp, yesterday).await;
    correct_cost(&erp, &receipt, "200").await.unwrap();
    assert_eq!(was(&erp, yesterday).await, before);
    assert_eq!(before, ("6".into(), "60.00".into()));
    assert_eq!(was(&erp, erp.now()).await, ("6".into(), "120.00".into()));
    let told = revisions(&erp).await.remove(0);
    assert_eq!(amount(&told.difference), "40.00");
    let effective = proto::from_timestamp(&told.effective_at.unwrap()).unwrap();
    assert!(effective > yesterday && effective <= erp.now(), "the first moment of the open period: {effective}");

    let open = ReopenPeriodRequest { request_id: key(), from: day(start), reason: "forgotten".into() };
    erp.valuation().reopen_period(open.clone()).await.unwrap();
    let again = ReopenPeriodRequest { request_id: key(), ..open };
    assert_eq!(reason(&erp.valuation().reopen_period(again).await.unwrap_err()), "PERIOD_OPEN");
    received_at(&erp, "A", 1, "20", "L", start).await.unwrap();
    erp.balanced().await;
}

#[tokio::test]
async fn a_look_at_the_past_is_the_same_with_snapshots_and_without() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let start = erp.now();
    for month in 0..4_i64 {
        erp.receive(&[goods("A", 10, "10", "L"), goods("B", 1, "0.01", "L")]).await;
        ship_out(&erp, month + 1, 3).await;
        erp.app.clock.advance(Duration::days(31));
    }
    let moments: Vec<_> = (0..8).map(|n| start + Duration::days(15 * n)).collect();
    let list = async |at: OffsetDateTime| {
        let request = ListValuationRequest { at: Some(proto::to_timestamp(at)), ..ListValuationRequest::default() };
        let found = erp.valuation().list_valuation(request).await.unwrap().into_inner();
        (found.items, amount(&found.total_value))
    };
    let mut before = Vec::new();
    for at in &moments {
        before.push(list(*at).await);
    }
    assert_eq!(before[0].1, "70.01");
    erp.app.run_job("erp_stock_snapshots").await.unwrap();
    let made: i64 =
        sqlx::query_scalar("select count(*) from stock_snapshot_moment").fetch_one(erp.app.db.pool()).await.unwrap();
    assert!(made >= 3, "{made}");
    for (at, before) in moments.iter().zip(&before) {
        assert_eq!(list(*at).await, *before);
    }
    // What is booked into the past changes the snapshots after it.
    received_at(&erp, "A", 10, "30", "L", start).await.unwrap();
    let at = moments[7];
    let found = list(at).await.0.remove(0);
    assert_eq!((found.on_hand.clone(), amount(&found.value)), was(&erp, at).await);
    erp.balanced().await;
}

#[tokio::test]
async fn goods_at_standard_cost_leave_their_price_difference_behind() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let standards = async |cost: &str| {
        let costs = vec![StandardCost { sku: "A".into(), unit_cost: rub(cost) }];
        let request = SetStandardCostsRequest { request_id: key(), costs, at: None, reason: "budget".into() };
        erp.valuation().set_standard_costs(request).await.map(|answer| answer.into_inner().revalued)
    };
    assert_eq!(set_method(&erp, "", ValuationMethod::Standard).await.unwrap(), (0, false));
    let refused = received_at(&erp, "A", 10, "12", "L", erp.now()).await.unwrap_err();
    assert_eq!(reason(&refused), "STANDARD_COST_MISSING");
    assert_eq!(standards("10").await.unwrap(), 0);
    received_at(&erp, "A", 10, "12", "L", erp.now()).await.unwrap();
    assert_eq!(erp.worth("A").await, "100.00");
    assert_eq!(ship_out(&erp, 1, 4).await, "40.00");
    erp.app.clock.advance(Duration::days(1));
    assert_eq!(standards("11.005").await.unwrap(), 1);
    assert_eq!(erp.worth("A").await, "66.03");
    assert_eq!(ship_out(&erp, 2, 1).await, "11.01");
    assert_eq!(ship_out(&erp, 3, 5).await, "55.02");
    assert_eq!(erp.worth("A").await, "0.00");
    let variance: String = sqlx::query_scalar("select sum(value)::text from stock_move where from_place = 7")
        .fetch_one(erp.app.db.pool())
        .await
        .unwrap();
    assert_eq!(variance, "-13.97", "20.00 too dear, 6.03 revalued");
    erp.balanced().await;
}

#[tokio::test]
async fn another_method_shares_out_anew_and_changes_nothing_of_the_sum() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "10", "L1"), goods("A", 5, "20.01", "L2")]).await;
    ship_out(&erp, 1, 3).await;
    erp.app.clock.advance(Duration::days(1));
    for method in [ValuationMethod::Average, ValuationMethod::Fifo, ValuationMethod::Lot] {
        assert_eq!(set_method(&erp, "", method).await.unwrap(), (1, false));
        assert_eq!(erp.worth("A").await, "170.05");
        erp.balanced().await;
        erp.app.clock.advance(Duration::hours(1));
    }
    assert_eq!(set_method(&erp, "", ValuationMethod::Lot).await.unwrap(), (0, false), "it is so already");
    let missing = set_method(&erp, "", ValuationMethod::Standard).await.unwrap_err();
    assert_eq!(reason(&missing), "STANDARD_COST_MISSING");
    assert_eq!(fields(&set_method(&erp, "", ValuationMethod::Unspecified).await.unwrap_err()), ["method"]);
    // Three of ten went from the first lot; the average over all fifteen minus three was shared by quantity.
    assert_eq!(ship_out(&erp, 2, 12).await, "170.05");
    erp.balanced().await;
}

#[tokio::test]
async fn the_recount_folds_every_item_from_zero() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "10", "L1"), goods("A", 5, "10", "L2")]).await;
    erp.balanced().await;
    // A rouble moves from one lot to the other: the sum of the item still fits.
    let falsify = "update cost_layer set value = value + case when lot_id = (select min(id::text)::uuid from lot) then 1 else -1 end";
    sqlx::query(falsify).execute(erp.app.db.pool()).await.unwrap();
    let found = erp.stock().verify_ledger(proto::erp::v1::VerifyLedgerRequest {}).await.unwrap().into_inner();
    let wrong: Vec<_> = found.checks.iter().filter(|check| check.differences > 0).collect();
    assert_eq!(
        (wrong.len(), wrong[0].name.as_str(), wrong[0].samples.clone()),
        (1, "valuation", vec!["item A".into()])
    );
}

#[tokio::test]
async fn what_is_made_of_goods_follows_what_they_cost() {
    let erp = Erp::start().await;
    erp.know(&["A", "K"]).await;
    let receipt = erp.receive(&[goods("A", 10, "10", "L")]).await;
    erp.receive(&[goods("K", 1, "0", "KL")]).await;
    // Five of A become one K, as a kit is made: inputs go to PRODUCTION, the output comes from it.
    let mut tx = erp.app.db.begin().await.unwrap();
    let rules = erp::config::Rules::new(&erp::Config::default()).unwrap();
    let stamp = erp::config::Stamp { now: erp.now(), by: "test", rules: &rules };
    let lots: std::collections::BTreeMap<String, uuid::Uuid> =
        sqlx::query_as::<_, (String, uuid::Uuid)>("select sku, id from lot")
            .fetch_all(&mut *tx)
            .await
            .unwrap()
            .into_iter()
            .collect();
    let skus = ["A", "K"].map(String::from).into();
    let mut work = lock(&mut tx, skus, false).await.unwrap();
    let bin = Place { id: 100, kind: PlaceKind::Stock };
    let cause = Cause { kind: "transfer", id: service::new_id(), order: None };
    let input = Move::new(bin, PRODUCTION, ("A", lots["A"]), 5.into(), cause);
    let used = post(&mut tx, &mut work, &[input], stamp.now, &stamp).await.unwrap();
    let output = Move::new(PRODUCTION, bin, ("K", lots["K"]), 1.into(), cause).worth(Worth::Given(used[0].value));
    post(&mut tx, &mut work, &[output], stamp.now, &stamp).await.unwrap();
    finish(&mut tx, work, &stamp).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((erp.worth("A").await, erp.worth("K").await), ("50.00".into(), "50.00".into()));
    let id = erp.place(1, vec![line(1, "K", 1)]).await;
    assert_eq!(
        amount(&erp.ship(id).await.cost),
        "25.00",
        "the average of the lot: one came in for nothing, one for 50.00"
    );
    erp.balanced().await;
    correct_cost(&erp, &receipt, "200").await.unwrap();
    assert_eq!(erp.worth("A").await, "100.00");
    assert_eq!(amount(&revisions(&erp).await[0].difference), "25.00");
    assert_eq!(erp.worth("K").await, "50.00");
    erp.balanced().await;
}
