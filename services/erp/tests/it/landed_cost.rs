//! Duty, freight and brokers.

use proto::erp::v1::{
    CancelLandedCostRequest, ChargeBasis, ChargeInput, ChargeKind, GetLandedCostRequest, LandedCost, LandedLineInput,
    PostLandedCostRequest, Receipt,
};
use time::Duration;
use tonic::{Code, Status};

use crate::{
    kit::{Erp, amount, fields, goods, key, line, reason, rub},
    valuation::{as_of, close, revisions},
};

fn charge(basis: ChargeBasis, amount: &str) -> ChargeInput {
    ChargeInput { kind: ChargeKind::Freight.into(), basis: basis.into(), amount: rub(amount), ..ChargeInput::default() }
}

fn lines_of(receipt: &Receipt) -> Vec<LandedLineInput> {
    let line = |line: &proto::erp::v1::ReceiptLine| LandedLineInput {
        receipt_id: receipt.receipt_id.clone(),
        line_no: line.line_no,
        ..LandedLineInput::default()
    };
    receipt.lines.iter().map(line).collect()
}

fn request(charges: Vec<ChargeInput>, lines: Vec<LandedLineInput>) -> PostLandedCostRequest {
    PostLandedCostRequest { request_id: key(), charges, lines, ..PostLandedCostRequest::default() }
}

async fn post(erp: &Erp, request: PostLandedCostRequest) -> Result<LandedCost, Status> {
    erp.landed_costs().post_landed_cost(request).await.map(|answer| answer.into_inner().landed_cost.unwrap())
}

async fn cancel(erp: &Erp, id: &str) -> Result<LandedCost, Status> {
    let request = CancelLandedCostRequest { request_id: key(), landed_cost_id: id.into(), reason: "twice".into() };
    erp.landed_costs().cancel_landed_cost(request).await.map(|answer| answer.into_inner().landed_cost.unwrap())
}

#[tokio::test]
async fn s6_landed_cost_on_three_equal_lines() {
    let erp = Erp::start().await;
    erp.know(&["A", "B", "C"]).await;
    let receipt = erp.receive(&[goods("A", 1, "10", ""), goods("B", 1, "10", ""), goods("C", 1, "10", "")]).await;
    let request = request(vec![charge(ChargeBasis::Value, "123.22")], lines_of(&receipt));
    let posted = post(&erp, request.clone()).await.unwrap();
    assert_eq!(posted.lines.iter().map(|line| amount(&line.cost)).collect::<Vec<_>>(), ["41.07", "41.07", "41.08"]);
    assert_eq!([erp.worth("A").await, erp.worth("B").await, erp.worth("C").await], ["51.07", "51.07", "51.08"]);
    assert_eq!(post(&erp, request).await.unwrap(), posted, "the same request is one document");
    let read = GetLandedCostRequest { landed_cost_id: posted.landed_cost_id.clone() };
    assert_eq!(erp.landed_costs().get_landed_cost(read).await.unwrap().into_inner().landed_cost.unwrap(), posted);
    assert_eq!(erp.worth("A").await, "51.07");
    erp.balanced().await;
}

#[tokio::test]
async fn s7_landed_cost_after_part_was_sold_goes_to_stock_and_to_the_cost_of_sales_of_the_open_period() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let receipt = erp.receive(&[goods("A", 1000, "100", "L")]).await;
    let id = erp.place(1, vec![line(1, "A", 700)]).await;
    assert_eq!(amount(&erp.ship(id).await.cost), "70000.00");
    erp.app.clock.advance(Duration::days(40));
    let closed = erp.now() - Duration::days(1);
    close(&erp, &(closed + Duration::hours(3)).date().to_string()).await.unwrap();
    let posted = post(&erp, request(vec![charge(ChargeBasis::Quantity, "40000")], lines_of(&receipt))).await.unwrap();
    assert_eq!(erp.worth("A").await, "42000.00", "12,000 to stock");
    let told = revisions(&erp).await;
    assert_eq!((told.len(), amount(&told[0].difference)), (1, "28000.00".into()));
    assert_eq!(
        (told[0].order_id.clone(), told[0].document_id.clone()),
        (id.to_string(), posted.landed_cost_id.clone())
    );
    assert_eq!(amount(&as_of(&erp, "A", closed).await.value), "30000.00", "closed periods stay as they were");
    erp.balanced().await;

    let taken_back = cancel(&erp, &posted.landed_cost_id).await.unwrap();
    assert!(taken_back.cancelled);
    assert_eq!(
        (erp.worth("A").await, amount(&revisions(&erp).await[1].difference)),
        ("30000.00".into(), "-28000.00".into())
    );
    assert_eq!(reason(&cancel(&erp, &posted.landed_cost_id).await.unwrap_err()), "LANDED_COST_CANCELLED");
    assert_eq!(cancel(&erp, &service::new_id().to_string()).await.unwrap_err().code(), Code::NotFound);
    erp.balanced().await;
}

#[tokio::test]
async fn charges_have_currencies_and_lots_keep_their_declaration() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let receipt = erp.receive(&[goods("A", 10, "10", "L"), goods("B", 10, "30", "L")]).await;
    let mut lines = lines_of(&receipt);
    (lines[0].weight_grams, lines[1].weight_grams) = ("1000".into(), "3000".into());
    lines[1].customs_code = "2106".into();
    let duty = ChargeInput {
        kind: ChargeKind::Duty.into(),
        basis: ChargeBasis::CustomsCode.into(),
        amount: Some(proto::common::v1::Money { currency: "USD".into(), amount: "10.01".into() }),
        rate: "81.2345".into(),
        rate_on: "2026-02-27".into(),
        customs_code: "2106".into(),
    };
    let mut one = request(vec![charge(ChargeBasis::Weight, "100"), duty], lines.clone());
    (one.declaration_number, one.country) = ("10702070/010226/0001234".into(), "CN".into());
    let posted = post(&erp, one).await.unwrap();
    // 10.01 × 81.2345 = 813.157345.
    assert_eq!((amount(&posted.charges[1].cost), amount(&posted.cost)), ("813.16".into(), "913.16".into()));
    let shares: Vec<Vec<_>> =
        posted.lines.iter().map(|line| line.shares.iter().map(|share| amount(&share.cost)).collect()).collect();
    assert_eq!(shares, [["25.00", "0.00"], ["75.00", "813.16"]]);
    assert_eq!((erp.worth("A").await, erp.worth("B").await), ("125.00".into(), "1188.16".into()));
    let kept: (String, String) = sqlx::query_as("select declaration_number, country from lot where sku = 'B'")
        .fetch_one(erp.app.db.pool())
        .await
        .unwrap();
    assert_eq!(kept, ("10702070/010226/0001234".into(), "CN".into()));

    let by =
        async |basis, lines: &[LandedLineInput]| post(&erp, request(vec![charge(basis, "1")], lines.to_vec())).await;
    assert_eq!(reason(&by(ChargeBasis::Volume, &lines).await.unwrap_err()), "VOLUME_MISSING");
    assert_eq!(reason(&by(ChargeBasis::Weight, &lines_of(&receipt)).await.unwrap_err()), "WEIGHT_MISSING");
    let coded = ChargeInput { customs_code: "9999".into(), ..charge(ChargeBasis::CustomsCode, "1") };
    assert_eq!(reason(&post(&erp, request(vec![coded], lines.clone())).await.unwrap_err()), "NO_LINE_OF_CODE");
    let unknown = LandedLineInput { line_no: 9, ..lines[0].clone() };
    assert_eq!(by(ChargeBasis::Value, &[unknown]).await.unwrap_err().code(), Code::NotFound);
    let foreign = ChargeInput {
        amount: Some(proto::common::v1::Money { currency: "USD".into(), amount: "1".into() }),
        ..charge(ChargeBasis::Value, "1")
    };
    let refused = post(&erp, request(vec![foreign], vec![lines[0].clone(), lines[0].clone()])).await.unwrap_err();
    assert_eq!(fields(&refused), ["charges[0].rate", "charges[0].rate_on", "lines"]);
    assert_eq!((erp.worth("A").await, erp.worth("B").await), ("125.00".into(), "1188.16".into()));
    erp.balanced().await;
}
