//! Bins: bulk changes, the route, scanning, blocks.

use futures::future::join_all;
use proto::{
    common::v1::PageRequest,
    erp::v1::{
        BinInput, BinPurpose, BlockBinRequest, BlockBinResponse, ListBinsRequest, PostReceiptRequest, ReceiptLineInput,
        ScanBinRequest, ScanBinResponse, UpsertBinsRequest, UpsertBinsResponse, UpsertWarehouseRequest,
        receipt_line_input::Cost,
    },
};
use tonic::{Code, Status};

use crate::kit::{Erp, fields, goods, key, line, pcs, reason, rub, value};

/// A bin of zone A whose barcode is `BC-` and its code.
pub(crate) fn bin(code: &str, pick_sequence: i32, purpose: BinPurpose) -> BinInput {
    BinInput {
        code: code.into(),
        zone: "A".into(),
        barcode: format!("BC-{code}"),
        pick_sequence,
        purpose: purpose.into(),
        ..BinInput::default()
    }
}

impl Erp {
    pub(crate) async fn make_bins(&self, bins: Vec<BinInput>) -> Result<UpsertBinsResponse, Status> {
        let request = UpsertBinsRequest { request_id: key(), warehouse: "MAIN".into(), bins };
        self.bins().upsert_bins(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn scan(&self, barcode: &str) -> ScanBinResponse {
        let request = ScanBinRequest { barcode: barcode.into(), ..ScanBinRequest::default() };
        self.bins().scan_bin(request).await.unwrap().into_inner()
    }

    pub(crate) async fn block(&self, barcode: &str, put_away: bool, picking: bool) -> Result<BlockBinResponse, Status> {
        let request = BlockBinRequest {
            request_id: key(),
            barcode: barcode.into(),
            for_put_away: put_away,
            for_picking: picking,
            reason: "water".into(),
        };
        self.bins().block_bin(request).await.map(tonic::Response::into_inner)
    }

    /// Posts a receipt of one lot at 10 roubles a piece into a bin.
    pub(crate) async fn receive_at(&self, place: &str, sku: &str, lot: &str, quantity: i64) -> Result<String, Status> {
        let line = ReceiptLineInput {
            sku: sku.into(),
            quantity: pcs(quantity),
            cost: rub(10).map(Cost::UnitCost),
            lot: lot.into(),
            ..ReceiptLineInput::default()
        };
        let request = PostReceiptRequest {
            request_id: key(),
            lines: vec![line],
            place: place.into(),
            ..PostReceiptRequest::default()
        };
        let posted = self.receipts().post_receipt(request).await?.into_inner().receipt.unwrap();
        Ok(posted.receipt_id)
    }
}

/// What lies in a bin, as sku, lot, on hand, reserved.
pub(crate) fn contents(scanned: &ScanBinResponse) -> Vec<(String, String, String, String)> {
    let each = scanned.contents.iter();
    each.map(|one| (one.sku.clone(), one.lot.clone(), value(&one.on_hand), value(&one.reserved))).collect()
}

#[tokio::test]
async fn bins_are_made_and_changed_in_bulk_and_listed_along_the_route() {
    let erp = Erp::start().await;
    let request = UpsertBinsRequest {
        request_id: key(),
        warehouse: "MAIN".into(),
        bins: vec![bin("A-2", 1, BinPurpose::Pick), bin("A-1", 2, BinPurpose::Bulk), bin("A-3", 2, BinPurpose::Pick)],
    };
    let made = erp.bins().upsert_bins(request.clone()).await.unwrap().into_inner();
    assert_eq!((made.created, made.changed), (3, 0));
    assert_eq!(erp.bins().upsert_bins(request).await.unwrap().into_inner(), made, "the same answer, nothing done");
    let limited = BinInput { max_quantity: "10.50".into(), zone: "B".into(), ..bin("A-3", 2, BinPurpose::Receiving) };
    let made = erp.make_bins(vec![limited, bin("A-2", 1, BinPurpose::Pick)]).await.unwrap();
    assert_eq!((made.created, made.changed), (0, 1), "what is as it was does not count");

    let list = async |zone: &str, page_size, page_token| {
        let page = Some(PageRequest { page_size, page_token });
        let request = ListBinsRequest { page, warehouse: "MAIN".into(), zone: zone.into() };
        let answer = erp.bins().list_bins(request).await.unwrap().into_inner();
        let places: Vec<_> = answer.bins.into_iter().map(|bin| bin.place).collect();
        (places, answer.page.unwrap().next_page_token)
    };
    let (first, token) = list("", 2, String::new()).await;
    let (second, end) = list("", 3, token).await;
    assert_eq!(first, ["MAIN/A-2", "MAIN/A-1"]);
    assert_eq!(second, ["MAIN/A-3", "MAIN/DEFAULT", "MAIN/QUARANTINE"]);
    assert_eq!(end, "");
    assert_eq!(list("B", 0, String::new()).await.0, ["MAIN/A-3"]);
    let found = erp.scan("BC-A-3").await.bin.unwrap();
    assert_eq!(
        (found.max_quantity.as_str(), found.purpose(), found.is_default),
        ("10.5", BinPurpose::Receiving, false)
    );
    let found = erp.scan("MAIN/DEFAULT").await.bin.unwrap();
    assert_eq!((found.purpose(), found.is_default), (BinPurpose::Pick, true));
}

#[tokio::test]
async fn a_barcode_belongs_to_one_bin_and_may_move_to_another() {
    let erp = Erp::start().await;
    erp.make_bins(vec![bin("A-1", 1, BinPurpose::Pick), bin("A-2", 2, BinPurpose::Pick)]).await.unwrap();
    let stolen = BinInput { barcode: "BC-A-1".into(), ..bin("A-3", 3, BinPurpose::Pick) };
    let refused = erp.make_bins(vec![bin("A-4", 4, BinPurpose::Pick), stolen]).await.unwrap_err();
    assert_eq!(reason(&refused), "BARCODE_TAKEN");
    let request = ScanBinRequest { barcode: "BC-A-4".into(), ..ScanBinRequest::default() };
    assert_eq!(erp.bins().scan_bin(request).await.unwrap_err().code(), Code::NotFound, "all or none");
    let swapped = [("A-1", "BC-A-2"), ("A-2", "BC-A-1")];
    let swapped = swapped.map(|(code, other)| BinInput { barcode: other.into(), ..bin(code, 1, BinPurpose::Pick) });
    assert_eq!(erp.make_bins(swapped.to_vec()).await.unwrap().changed, 2);
    assert_eq!(erp.scan("BC-A-2").await.bin.unwrap().code, "A-1");
    let shelves = join_all((0..8).map(async |n| {
        let one = BinInput { barcode: "SAME".into(), ..bin(&format!("C-{n}"), 1, BinPurpose::Pick) };
        erp.make_bins(vec![one]).await
    }))
    .await;
    assert_eq!(shelves.iter().filter(|made| made.is_ok()).count(), 1, "of many at once, one gets it");
    for refused in shelves.into_iter().filter_map(Result::err) {
        assert_eq!(reason(&refused), "BARCODE_TAKEN");
    }
}

#[tokio::test]
async fn what_a_bin_cannot_be_is_refused_and_nothing_changes() {
    let erp = Erp::start().await;
    erp.make_bins(vec![bin("A-1", 1, BinPurpose::Pick)]).await.unwrap();
    let refused = erp.make_bins(vec![bin("A-1", 1, BinPurpose::Returns)]).await.unwrap_err();
    assert_eq!(reason(&refused), "BIN_PURPOSE_FIXED", "goods would stop being for sale behind everybody's back");
    let bad = [
        BinInput { code: "A/1".into(), ..bin("A-2", -1, BinPurpose::Pick) },
        BinInput { max_quantity: "0".into(), max_weight_grams: "1.1234567".into(), ..bin("A-3", 1, BinPurpose::Pick) },
        BinInput { barcode: "BC-A-3".into(), purpose: 77, zone: String::new(), ..bin("A-3", 1, BinPurpose::Pick) },
    ];
    let refused = erp.make_bins(bad.to_vec()).await.unwrap_err();
    let wrong = [
        "bins[0].code",
        "bins[0].pick_sequence",
        "bins[1].max_quantity",
        "bins[1].max_weight_grams",
        "bins[2].code",
        "bins[2].barcode",
        "bins[2].zone",
        "bins[2].purpose",
    ];
    let (mut found, mut wrong) = (fields(&refused), wrong.map(str::to_owned));
    found.sort_unstable();
    wrong.sort_unstable();
    assert_eq!(found, wrong);
    assert_eq!(fields(&erp.make_bins(Vec::new()).await.unwrap_err()), ["bins"]);
    let many = (0..1001).map(|n| bin(&format!("X{n}"), n, BinPurpose::Pick)).collect();
    assert_eq!(fields(&erp.make_bins(many).await.unwrap_err()), ["bins"]);
    let request =
        UpsertBinsRequest { request_id: key(), warehouse: "MARS".into(), bins: vec![bin("A-1", 1, BinPurpose::Pick)] };
    assert_eq!(reason(&erp.bins().upsert_bins(request).await.unwrap_err()), "UNKNOWN_WAREHOUSE");
    let request = ListBinsRequest { warehouse: "MAIN".into(), ..ListBinsRequest::default() };
    assert_eq!(erp.bins().list_bins(request).await.unwrap().into_inner().bins.len(), 3);
}

#[tokio::test]
async fn goods_arrive_in_a_bin_and_a_scanner_sees_them_there() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    erp.make_bins(vec![bin("R-1", 1, BinPurpose::Receiving)]).await.unwrap();
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    erp.receive_at("BC-R-1", "B", "L1", 2).await.unwrap();
    erp.receive_at("MAIN/R-1", "A", "L2", 3).await.unwrap();
    erp.receive_at("MAIN/R-1", "A", "L1", 1).await.unwrap();
    assert_eq!(reason(&erp.receive_at("SPB/DEFAULT", "A", "L9", 1).await.unwrap_err()), "UNKNOWN_PLACE");
    assert_eq!(reason(&erp.receive_at("NOWHERE", "A", "L9", 1).await.unwrap_err()), "UNKNOWN_PLACE");
    erp.place(1, vec![line(1, "A", 2)]).await;
    let four = |a: &str, b: &str, c: &str, d: &str| (a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned());
    let all = [four("A", "L1", "1", "1"), four("A", "L2", "3", "1"), four("B", "L1", "2", "0")];
    assert_eq!(contents(&erp.scan("BC-R-1").await), all);
    let page = Some(PageRequest { page_size: 2, page_token: String::new() });
    let mut request = ScanBinRequest { page, barcode: "BC-R-1".into() };
    let first = erp.bins().scan_bin(request.clone()).await.unwrap().into_inner();
    assert_eq!(contents(&first), all[..2]);
    request.page.as_mut().unwrap().page_token = first.page.unwrap().next_page_token;
    assert_eq!(contents(&erp.bins().scan_bin(request).await.unwrap().into_inner()), all[2..]);
    assert_eq!(erp.figures("A").await, ["4", "2", "2", "0"], "what waits to be put away can be promised");
    erp.balanced().await;
}

#[tokio::test]
async fn a_bin_blocked_for_picking_gives_nothing_to_orders_and_a_freed_one_serves_those_who_wait() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.make_bins(vec![bin("A-1", 1, BinPurpose::Pick)]).await.unwrap();
    erp.receive_at("BC-A-1", "A", "L1", 5).await.unwrap();
    erp.receive(&[goods("A", 2, "10", "L2")]).await;
    let (first, picked) = (erp.place(1, vec![line(1, "A", 3)]).await, erp.place(2, vec![line(1, "A", 1)]).await);
    erp.pick(picked).await;
    let request = BlockBinRequest {
        request_id: key(),
        barcode: "BC-A-1".into(),
        for_picking: true,
        reason: "water".into(),
        ..BlockBinRequest::default()
    };
    let done = erp.bins().block_bin(request.clone()).await.unwrap().into_inner();
    assert_eq!((done.displaced, done.bin.as_ref().unwrap().picking_block.as_str()), (1, "water"));
    assert_eq!(erp.bins().block_bin(request).await.unwrap().into_inner(), done);
    assert_eq!(erp.has(first, 1).await, ("2".into(), "1".into()), "from the other bin, and the rest waits");
    assert_eq!(erp.lots(picked, 1).await, [("L1".into(), "1".into())], "what is in a shipment stays");
    assert_eq!(erp.figures("A").await, ["7", "3", "0", "1"]);
    erp.receive_at("BC-A-1", "A", "L3", 4).await.unwrap();
    assert_eq!(erp.has(first, 1).await.1, "1", "what comes into a blocked bin is blocked");
    erp.balanced().await;

    assert_eq!(erp.block("BC-A-1", true, true).await.unwrap().displaced, 0);
    let refused = erp.receive_at("BC-A-1", "A", "L4", 1).await.unwrap_err();
    assert_eq!(reason(&refused), "BIN_BLOCKED");
    let freed = erp.block("BC-A-1", false, false).await.unwrap().bin.unwrap();
    assert_eq!((freed.put_away_block.as_str(), freed.picking_block.as_str()), ("", ""));
    assert_eq!(erp.has(first, 1).await, ("3".into(), "0".into()));
    assert_eq!(erp.figures("A").await, ["11", "4", "7", "0"]);
    erp.balanced().await;
}

#[tokio::test]
async fn default_bins_and_unknown_ones_are_not_blocked_and_a_reason_is_needed() {
    let erp = Erp::start().await;
    assert_eq!(reason(&erp.block("MAIN/DEFAULT", false, true).await.unwrap_err()), "DEFAULT_BIN");
    erp.block("MAIN/DEFAULT", true, false).await.unwrap();
    assert_eq!(reason(&erp.block("BC-NONE", true, false).await.unwrap_err()), "UNKNOWN_PLACE");
    let request = BlockBinRequest {
        request_id: key(),
        barcode: "MAIN/DEFAULT".into(),
        for_picking: true,
        ..BlockBinRequest::default()
    };
    assert_eq!(fields(&erp.bins().block_bin(request).await.unwrap_err()), ["reason"]);
    let nobody = erp.app.client(&["erp.bin.read"]);
    let mut reader = proto::erp::v1::bin_service_client::BinServiceClient::new(nobody);
    let request = UpsertBinsRequest::default();
    assert_eq!(reader.upsert_bins(request).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goods_that_come_in_while_a_bin_is_blocked_and_freed_are_what_the_bin_is_in_the_end() {
    let erp = Erp::start().await;
    let skus: Vec<_> = (0..40).map(|n| format!("S{n}")).collect();
    erp.know(&skus.iter().map(String::as_str).collect::<Vec<_>>()).await;
    erp.make_bins(vec![bin("A-1", 1, BinPurpose::Pick)]).await.unwrap();
    let receive = async |n: usize| erp.receive_at("BC-A-1", &skus[n], "L", 2).await.map(drop);
    let toggle = async |n: usize| erp.block("BC-A-1", false, n.is_multiple_of(2)).await.map(drop);
    let order = async |n: usize| erp.place(n as i64, vec![line(1, &skus[n], 1)]).await;
    let (received, toggled, _) =
        tokio::join!(join_all((0..40).map(receive)), join_all((0..10).map(toggle)), join_all((0..40).map(order)),);
    received.into_iter().chain(toggled).collect::<Result<Vec<_>, _>>().unwrap();
    erp.balanced().await;
    erp.block("BC-A-1", false, true).await.unwrap();
    let held: i64 = contents(&erp.scan("BC-A-1").await).iter().map(|one| one.3.parse::<i64>().unwrap()).sum();
    assert_eq!(held, 0, "a blocked bin holds nothing for orders");
    erp.block("BC-A-1", false, false).await.unwrap();
    for sku in &skus {
        assert_eq!(erp.figures(sku).await, ["2", "1", "1", "0"]);
    }
    erp.balanced().await;
}
