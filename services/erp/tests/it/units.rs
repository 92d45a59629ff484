//! Units of measure beside an item's own.

use proto::{
    common::v1::Quantity,
    erp::v1::{
        AdjustStockRequest, AdjustmentKind, ConvertQuantityRequest, DeleteItemUnitRequest, ExpectedReceiptInput,
        ExpectedSource, ItemInput, ItemUnit, ListEnteredQuantitiesRequest, ListItemUnitsRequest, PostReceiptRequest,
        PutItemUnitsRequest, ReceiptLineInput, ReserveLine, ReserveStockRequest, TransferLine, TransferStockRequest,
        UpsertExpectedReceiptsRequest, UpsertItemsRequest, receipt_line_input::Cost,
    },
};
use tonic::{Code, Status};

use crate::kit::{Erp, amount, fields, key, reason, rub, value};

fn of(value: &str, unit: &str) -> Option<Quantity> {
    Some(Quantity { value: value.into(), unit: unit.into() })
}

fn unit(sku: &str, unit: &str, lot: &str, numerator: i64, denominator: i64) -> ItemUnit {
    ItemUnit { sku: sku.into(), unit: unit.into(), lot: lot.into(), numerator, denominator }
}

async fn put(erp: &Erp, units: Vec<ItemUnit>) -> Result<Vec<ItemUnit>, Status> {
    let request = PutItemUnitsRequest { request_id: key(), units };
    let answer = erp.units().put_item_units(request.clone()).await?.into_inner();
    assert_eq!(erp.units().put_item_units(request).await.unwrap().into_inner(), answer);
    Ok(answer.units)
}

/// An erp that stocks `sku` in kilograms.
async fn fishmonger() -> Erp {
    let erp = Erp::start().await;
    erp.know(&["EGG"]).await;
    let fish = ItemInput { sku: "FISH".into(), unit: "kg".into(), ..ItemInput::default() };
    erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items: vec![fish] }).await.unwrap();
    let units = vec![
        unit("EGG", "dozen", "", 12, 1),
        unit("EGG", "box24", "", 48, 2),
        unit("FISH", "pcs", "", 5, 4),
        unit("FISH", "pcs", "BIG", 1237, 500),
    ];
    assert_eq!(put(&erp, units).await.unwrap()[1], unit("EGG", "box24", "", 24, 1), "in lowest terms");
    erp
}

async fn convert(erp: &Erp, sku: &str, quantity: Option<Quantity>, lot: &str) -> Result<Quantity, Status> {
    let request = ConvertQuantityRequest { sku: sku.into(), quantity, lot: lot.into() };
    Ok(erp.units().convert_quantity(request).await?.into_inner().quantity.unwrap())
}

/// What was entered in a document: line, quantity and unit, what it came to.
async fn entered(erp: &Erp, document_id: &str) -> Vec<(i32, String, String)> {
    let request = ListEnteredQuantitiesRequest { document_id: document_id.into() };
    let lines = erp.units().list_entered_quantities(request).await.unwrap().into_inner().lines;
    let text = |quantity: Option<Quantity>| quantity.map(|one| format!("{} {}", one.value, one.unit)).unwrap();
    lines.into_iter().map(|line| (line.line_no, text(line.entered), line.base_quantity)).collect()
}

async fn receive(erp: &Erp, lines: Vec<(&str, &str, Option<Quantity>, Cost)>) -> Result<String, Status> {
    let line = |(sku, lot, quantity, cost): (&str, &str, _, _)| ReceiptLineInput {
        sku: sku.into(),
        lot: lot.into(),
        quantity,
        cost: Some(cost),
        ..ReceiptLineInput::default()
    };
    let lines = lines.into_iter().map(line).collect();
    let request = PostReceiptRequest { request_id: key(), lines, ..PostReceiptRequest::default() };
    Ok(erp.receipts().post_receipt(request).await?.into_inner().receipt.unwrap().receipt_id)
}

fn each(cost: &str) -> Cost {
    Cost::UnitCost(rub(cost).unwrap())
}

#[tokio::test]
async fn s4_the_second_lot_comes_in_grams_and_the_unit_is_the_kilogram() {
    let erp = fishmonger().await;
    let lines = vec![("FISH", "L1", of("4", "kg"), each("10")), ("FISH", "L2", of("2000", "g"), each("0.025"))];
    let id = receive(&erp, lines).await.unwrap();
    assert_eq!(erp.figures("FISH").await[0], "6");
    assert_eq!(erp.worth("FISH").await, "90.00", "2,000 g at 0.025 are 2 kg at 25");
    assert_eq!(entered(&erp, &id).await, [(2, "2000 g".into(), "2".into())]);
    let lots = erp.stock_of("FISH").await.lots;
    let worth: Vec<_> = lots.iter().map(|lot| (lot.on_hand.as_str(), amount(&lot.value))).collect();
    assert_eq!(worth, [("4", "40.00".into()), ("2", "50.00".into())]);
    erp.balanced().await;
}

#[tokio::test]
async fn a_dozen_is_twelve_wherever_it_is_entered_and_stays_readable_as_a_dozen() {
    let erp = fishmonger().await;
    let id = receive(&erp, vec![("EGG", "L", of("10", "dozen"), each("120"))]).await.unwrap();
    assert_eq!((erp.figures("EGG").await[0].as_str(), erp.worth("EGG").await.as_str()), ("120", "1200.00"));
    assert_eq!(entered(&erp, &id).await, [(1, "10 dozen".into(), "120".into())]);

    let request = ReserveStockRequest {
        request_id: key(),
        reference: "baker".into(),
        lines: vec![
            ReserveLine { sku: "EGG".into(), quantity: of("6", "pcs") },
            ReserveLine { sku: "EGG".into(), quantity: of("0.5", "box24") },
        ],
        ..ReserveStockRequest::default()
    };
    let hold = erp.reservations().reserve_stock(request).await.unwrap().into_inner().reservation.unwrap();
    let lines: Vec<_> = hold.lines.iter().map(|line| (line.ordered.as_str(), line.unit.as_str())).collect();
    assert_eq!(lines, [("6", "pcs"), ("12", "pcs")]);
    assert_eq!(entered(&erp, &hold.order_id).await, [(2, "0.5 box24".into(), "12".into())]);

    let request = TransferStockRequest {
        request_id: key(),
        from_place: "MAIN/DEFAULT".into(),
        to_place: "MAIN/QUARANTINE".into(),
        lines: vec![TransferLine { sku: "EGG".into(), lot: "L".into(), quantity: of("2", "dozen") }],
        ..TransferStockRequest::default()
    };
    let moved = erp.stock().transfer_stock(request).await.unwrap().into_inner();
    assert_eq!(amount(&moved.value), "0.00", "within a warehouse nothing changes its worth");
    assert_eq!(entered(&erp, &moved.transfer_id).await, [(1, "2 dozen".into(), "24".into())]);

    let request = AdjustStockRequest {
        request_id: key(),
        warehouse: "MAIN".into(),
        sku: "EGG".into(),
        lot: "L".into(),
        kind: AdjustmentKind::Count.into(),
        quantity: of("9", "dozen"),
        reason: "counted".into(),
        unit_cost: rub("24"),
        ..AdjustStockRequest::default()
    };
    let counted = erp.stock().adjust_stock(request).await.unwrap().into_inner();
    assert_eq!((counted.difference.as_str(), amount(&counted.value).as_str()), ("12", "24.00"), "24 a dozen");
    assert_eq!(entered(&erp, &counted.adjustment_id).await, [(1, "9 dozen".into(), "108".into())]);

    let input = |quantity| ExpectedReceiptInput {
        source: ExpectedSource::Production.into(),
        document: "HEN-1".into(),
        document_line: 1,
        sku: "EGG".into(),
        quantity,
        expected_on: "2026-03-09".into(),
        ..ExpectedReceiptInput::default()
    };
    let expect = async |quantity| {
        let request = UpsertExpectedReceiptsRequest { request_id: key(), receipts: vec![input(quantity)] };
        erp.expected().upsert_expected_receipts(request).await.unwrap().into_inner().receipts.remove(0)
    };
    let expected = expect(of("2", "box24")).await;
    assert_eq!(value(&expected.quantity), "48");
    assert_eq!(entered(&erp, &expected.expected_receipt_id).await, [(1, "2 box24".into(), "48".into())]);
    expect(of("50", "pcs")).await;
    assert!(entered(&erp, &expected.expected_receipt_id).await.is_empty());
    erp.balanced().await;
}

#[tokio::test]
async fn a_quantity_that_is_no_whole_multiple_is_refused_with_its_neighbours_and_changes_nothing() {
    let erp = fishmonger().await;
    let refused = receive(&erp, vec![("EGG", "L", of("1.2", "dozen"), each("1"))]).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "UNIT_INEXACT"));
    assert!(refused.message().contains("14 and 15 pcs"), "{}", refused.message());
    let lines = vec![("FISH", "L", of("1", "kg"), each("1")), ("EGG", "L", of("1", "barrel"), each("1"))];
    assert_eq!(reason(&receive(&erp, lines).await.unwrap_err()), "UNIT_MISMATCH");
    let refused = receive(&erp, vec![("EGG", "L", of("90000000000000", "dozen"), each("0"))]).await.unwrap_err();
    assert_eq!(reason(&refused), "QUANTITY_TOO_LARGE");
    for bad in
        [of("1.5", "pcs"), of("-1", "dozen"), of("1.0000001", "dozen"), of("1", "a dozen"), of("x", "dozen"), None]
    {
        let refused = receive(&erp, vec![("EGG", "L", bad, each("1"))]).await.unwrap_err();
        assert_eq!(fields(&refused), ["lines[0].quantity"]);
    }
    assert_eq!(erp.figures("EGG").await[0], "0");
    assert_eq!(erp.figures("FISH").await[0], "0");
}

#[tokio::test]
async fn pieces_weigh_what_those_of_their_lot_weigh() {
    let erp = fishmonger().await;
    let lines = vec![("FISH", "BIG", of("3", "pcs"), each("500")), ("FISH", "ANY", of("4", "pcs"), each("200"))];
    receive(&erp, lines).await.unwrap();
    let lots = erp.stock_of("FISH").await.lots;
    let there: Vec<_> = lots.iter().map(|lot| (lot.lot.as_str(), lot.on_hand.as_str(), amount(&lot.value))).collect();
    assert_eq!(there, [("ANY", "5", "800.00".into()), ("BIG", "7.422", "1500.00".into())]);
    assert_eq!(convert(&erp, "FISH", of("2", "pcs"), "BIG").await.unwrap().value, "4.948");
    assert_eq!(convert(&erp, "FISH", of("2", "pcs"), "ANY").await.unwrap().value, "2.5");
    erp.balanced().await;
}

#[tokio::test]
async fn units_are_set_listed_forgotten_and_refused() {
    let erp = fishmonger().await;
    let list = async |sku: &str| {
        let request = ListItemUnitsRequest { sku: sku.into() };
        erp.units().list_item_units(request).await.map(tonic::Response::into_inner)
    };
    let eggs = list("EGG").await.unwrap();
    let names: Vec<_> = eggs.units.iter().map(|unit| unit.unit.as_str()).collect();
    assert_eq!((eggs.base_unit.as_str(), names), ("pcs", vec!["box24", "dozen"]));
    assert_eq!(list("nope").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(convert(&erp, "FISH", of("1500", "g"), "").await.unwrap(), of("1.5", "kg").unwrap());
    assert_eq!(reason(&convert(&erp, "nope", of("1", "g"), "").await.unwrap_err()), "UNKNOWN_SKU");
    for (bad, code) in [
        (unit("EGG", "pcs", "", 1, 1), "UNIT_FIXED"),
        (unit("FISH", "g", "", 1, 900), "UNIT_FIXED"),
        (unit("nope", "dozen", "", 12, 1), "UNKNOWN_SKU"),
    ] {
        assert_eq!(reason(&put(&erp, vec![unit("EGG", "pair", "", 2, 1), bad]).await.unwrap_err()), code);
    }
    for bad in [unit("EGG", "pair", "", 0, 1), unit("EGG", "pair", "", 1, 1_000_000_001)] {
        assert_eq!(fields(&put(&erp, vec![bad]).await.unwrap_err()), ["units[0].numerator"]);
    }
    let twice = vec![unit("EGG", "pair", "", 2, 1), unit("EGG", "pair", "", 3, 1)];
    assert_eq!(fields(&put(&erp, twice).await.unwrap_err()), ["units"]);
    assert_eq!(list("EGG").await.unwrap(), eggs, "what was refused changed nothing");
    let id = receive(&erp, vec![("EGG", "L", of("1", "dozen"), each("12"))]).await.unwrap();
    put(&erp, vec![unit("EGG", "dozen", "", 13, 1)]).await.unwrap();
    assert_eq!(entered(&erp, &id).await, [(1, "1 dozen".into(), "12".into())], "what was posted stays");
    assert_eq!(convert(&erp, "EGG", of("1", "dozen"), "").await.unwrap().value, "13");
    for _ in 0..2 {
        let request = DeleteItemUnitRequest { sku: "EGG".into(), unit: "dozen".into(), lot: String::new() };
        erp.units().delete_item_unit(request).await.unwrap();
    }
    assert_eq!(reason(&convert(&erp, "EGG", of("1", "dozen"), "").await.unwrap_err()), "UNIT_MISMATCH");
}
