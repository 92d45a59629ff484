//! Put-away: rules, suggestions, confirmation by scan.

use futures::future::join_all;
use proto::{
    common::v1::PageRequest,
    erp::v1::{
        BinInput, BinPurpose, ConfirmPutAwayRequest, ConfirmPutAwayResponse, DeletePutAwayRulesRequest, ItemInput,
        ListPutAwayRulesRequest, PutAwayReason, PutAwayRule, SuggestPutAwayRequest, SuggestPutAwayResponse,
        UpsertItemsRequest, UpsertPutAwayRulesRequest, UpsertPutAwayRulesResponse,
    },
};
use tonic::{Code, Status};

use crate::{
    bins::{bin, contents},
    kit::{Erp, amount, fields, goods, key, line, pcs, reason, value},
};

fn rule(code: &str, zone: &str, place: &str) -> PutAwayRule {
    PutAwayRule { code: code.into(), zone: zone.into(), place: place.into(), ..PutAwayRule::default() }
}

async fn make_rules(erp: &Erp, rules: Vec<PutAwayRule>) -> Result<UpsertPutAwayRulesResponse, Status> {
    let request = UpsertPutAwayRulesRequest { request_id: key(), warehouse: "MAIN".into(), rules };
    erp.put_away().upsert_put_away_rules(request).await.map(tonic::Response::into_inner)
}

async fn confirm(
    erp: &Erp,
    (from, to): (&str, &str),
    (item, lot): (&str, &str),
    quantity: i64,
) -> Result<ConfirmPutAwayResponse, Status> {
    let request = ConfirmPutAwayRequest {
        request_id: key(),
        from_barcode: from.into(),
        to_barcode: to.into(),
        item: item.into(),
        lot: lot.into(),
        quantity: pcs(quantity),
    };
    erp.put_away().confirm_put_away(request).await.map(tonic::Response::into_inner)
}

fn limited(code: &str, turn: i32, most: i64) -> BinInput {
    BinInput { max_quantity: most.to_string(), ..bin(code, turn, BinPurpose::Pick) }
}

/// Places, quantities and reasons of the parts of the n-th suggestion.
fn parts(answer: &SuggestPutAwayResponse, n: usize) -> Vec<(String, String, PutAwayReason)> {
    let parts = answer.suggestions[n].parts.iter();
    parts.map(|part| (part.place.clone(), value(&part.quantity), part.reason())).collect()
}

#[tokio::test]
async fn rules_are_kept_listed_and_deleted() {
    let erp = Erp::start().await;
    erp.make_bins(vec![bin("A-1", 1, BinPurpose::Pick)]).await.unwrap();
    let rules = vec![rule("r2", "A", ""), PutAwayRule { sku: "X".into(), ..rule("r1", "", "MAIN/A-1") }];
    let request = UpsertPutAwayRulesRequest { request_id: key(), warehouse: "MAIN".into(), rules: rules.clone() };
    let made = erp.put_away().upsert_put_away_rules(request.clone()).await.unwrap().into_inner();
    assert_eq!((made.created, made.changed), (2, 0));
    assert_eq!(erp.put_away().upsert_put_away_rules(request).await.unwrap().into_inner(), made);
    let changed = PutAwayRule { priority: 7, category: "c".into(), ..rules[0].clone() };
    assert_eq!(make_rules(&erp, vec![changed.clone()]).await.unwrap().changed, 1);
    let list = async |page_size, page_token| {
        let page = Some(PageRequest { page_size, page_token });
        let request = ListPutAwayRulesRequest { page, warehouse: "MAIN".into() };
        erp.put_away().list_put_away_rules(request).await.unwrap().into_inner()
    };
    let first = list(1, String::new()).await;
    assert_eq!(first.rules, [rules[1].clone()]);
    assert_eq!(list(5, first.page.unwrap().next_page_token).await.rules, [changed]);

    assert_eq!(reason(&make_rules(&erp, vec![rule("r3", "", "SUPPLIER")]).await.unwrap_err()), "UNKNOWN_PLACE");
    let both = PutAwayRule { sku: "X".into(), category: "c".into(), ..rule("r3", "A", "MAIN/A-1") };
    let refused = make_rules(&erp, vec![both, rule("r4", "A", ""), rule("r4", "", "")]).await.unwrap_err();
    let wrong = ["rules[0].category", "rules[0].zone", "rules[2].code", "rules[2].zone"];
    assert_eq!(fields(&refused), wrong);
    let request = DeletePutAwayRulesRequest {
        request_id: key(),
        warehouse: "MAIN".into(),
        codes: vec!["r1".into(), "nothing".into()],
    };
    let deleted = erp.put_away().delete_put_away_rules(request.clone()).await.unwrap().into_inner();
    assert_eq!(deleted.deleted, 1);
    assert_eq!(erp.put_away().delete_put_away_rules(request).await.unwrap().into_inner(), deleted);
    assert_eq!(list(5, String::new()).await.rules.len(), 1);
    let request = DeletePutAwayRulesRequest { request_id: key(), warehouse: "MARS".into(), codes: vec!["r".into()] };
    assert_eq!(reason(&erp.put_away().delete_put_away_rules(request).await.unwrap_err()), "UNKNOWN_WAREHOUSE");
}

#[tokio::test]
async fn goods_are_sent_to_their_like_within_what_fits_and_is_open() {
    let erp = Erp::start().await;
    let item = |sku: &str, category: &str| ItemInput {
        sku: sku.into(),
        unit: "pcs".into(),
        category: category.into(),
        ..ItemInput::default()
    };
    let items = vec![item("A", "reels"), item("B", "lines"), item("C", "")];
    erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items }).await.unwrap();
    let bins = vec![
        bin("R-1", 0, BinPurpose::Receiving),
        limited("A-1", 1, 4),
        limited("A-2", 2, 10),
        limited("A-3", 3, 10),
        bin("A-4", 4, BinPurpose::Bulk),
        BinInput { zone: "B".into(), ..limited("B-1", 5, 3) },
    ];
    erp.make_bins(bins).await.unwrap();
    erp.block("BC-A-4", true, false).await.unwrap();
    let reels = PutAwayRule { category: "reels".into(), priority: 1, ..rule("reels", "A", "") };
    let lines = PutAwayRule { sku: "B".into(), ..rule("lines", "", "MAIN/B-1") };
    make_rules(&erp, vec![reels, lines]).await.unwrap();
    erp.receive_at("BC-A-3", "A", "L1", 7).await.unwrap();
    erp.receive_at("BC-A-2", "A", "L0", 9).await.unwrap();
    let receipt = erp.receive_at("BC-R-1", "A", "L1", 10).await.unwrap();
    erp.receive_at("BC-R-1", "B", "L", 5).await.unwrap();
    erp.receive_at("BC-R-1", "C", "L", 1).await.unwrap();

    let request = SuggestPutAwayRequest { barcode: "BC-R-1".into(), ..SuggestPutAwayRequest::default() };
    let all = erp.put_away().suggest_put_away(request).await.unwrap().into_inner();
    let part = |place: &str, n: &str, reason| (format!("MAIN/{place}"), n.to_owned(), reason);
    let to_a = [
        part("A-3", "3", PutAwayReason::SameLot),
        part("A-2", "1", PutAwayReason::SameItem),
        part("A-1", "4", PutAwayReason::Empty),
    ];
    assert_eq!(parts(&all, 0), to_a);
    assert_eq!(value(&all.suggestions[0].left), "2", "the last bin is blocked");
    assert_eq!(parts(&all, 1), [part("B-1", "3", PutAwayReason::Empty)]);
    assert_eq!((parts(&all, 2).len(), value(&all.suggestions[2].left)), (0, "1".into()), "no rule is for it");
    let request = SuggestPutAwayRequest { receipt_id: receipt, ..SuggestPutAwayRequest::default() };
    let of_receipt = erp.put_away().suggest_put_away(request).await.unwrap().into_inner();
    assert_eq!(of_receipt.suggestions, all.suggestions[..1]);

    let nothing = SuggestPutAwayRequest::default();
    assert_eq!(fields(&erp.put_away().suggest_put_away(nothing).await.unwrap_err()), ["barcode"]);
    let unknown = SuggestPutAwayRequest { receipt_id: key(), ..SuggestPutAwayRequest::default() };
    assert_eq!(erp.put_away().suggest_put_away(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn goods_put_away_keep_their_value_and_orders_keep_what_they_hold() {
    let erp = Erp::start().await;
    let item = ItemInput { sku: "A".into(), unit: "pcs".into(), barcode: "460".into(), ..ItemInput::default() };
    erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items: vec![item] }).await.unwrap();
    erp.make_bins(vec![bin("R-1", 0, BinPurpose::Receiving), bin("A-1", 1, BinPurpose::Pick)]).await.unwrap();
    erp.receive_at("BC-R-1", "A", "L", 6).await.unwrap();
    let (first, second) = (erp.place(1, vec![line(1, "A", 2)]).await, erp.place(2, vec![line(1, "A", 3)]).await);
    let request = ConfirmPutAwayRequest {
        request_id: key(),
        from_barcode: "BC-R-1".into(),
        to_barcode: "BC-A-1".into(),
        item: "460".into(),
        lot: String::new(),
        quantity: pcs(5),
    };
    let done = erp.put_away().confirm_put_away(request.clone()).await.unwrap().into_inner();
    assert_eq!((done.sku.as_str(), done.lot.as_str(), value(&done.left).as_str()), ("A", "L", "1"));
    assert_eq!(erp.put_away().confirm_put_away(request).await.unwrap().into_inner(), done);
    let four =
        |sku: &str, lot: &str, n: &str, held: &str| (sku.to_owned(), lot.to_owned(), n.to_owned(), held.to_owned());
    assert_eq!(contents(&erp.scan("BC-R-1").await), [four("A", "L", "1", "1")]);
    assert_eq!(contents(&erp.scan("BC-A-1").await), [four("A", "L", "5", "4")], "one free piece, four that are held");
    assert_eq!((erp.has(first, 1).await.0, erp.has(second, 1).await.0), ("2".into(), "3".into()));
    assert_eq!(erp.worth("A").await, "60.00");
    assert_eq!(erp.told(first).await, ["order_allocated"], "nothing has changed for the orders");
    erp.balanced().await;
    for id in [first, second] {
        assert_eq!(erp.ship(id).await.refusal, "");
    }
    assert_eq!(
        (erp.figures("A").await, erp.worth("A").await),
        (["1", "0", "1", "0"].map(String::from), "10.00".into())
    );
    erp.balanced().await;
}

#[tokio::test]
async fn what_is_in_shipments_is_not_put_away_and_held_goods_go_only_where_goods_are_sold_from() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.make_bins(vec![bin("A-1", 1, BinPurpose::Pick)]).await.unwrap();
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let (picked, held) = (erp.place(1, vec![line(1, "A", 2)]).await, erp.place(2, vec![line(1, "A", 2)]).await);
    erp.pick(picked).await;
    let refused = confirm(&erp, ("MAIN/DEFAULT", "BC-A-1"), ("A", "L"), 4).await.unwrap_err();
    assert_eq!((reason(&refused).as_str(), refused.message().contains("only 3")), ("NOT_ENOUGH_STOCK", true));
    let refused = confirm(&erp, ("MAIN/DEFAULT", "MAIN/QUARANTINE"), ("A", "L"), 2).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENOUGH_STOCK");
    erp.block("BC-A-1", false, true).await.unwrap();
    let refused = confirm(&erp, ("MAIN/DEFAULT", "BC-A-1"), ("A", "L"), 2).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENOUGH_STOCK");
    erp.block("BC-A-1", false, false).await.unwrap();
    confirm(&erp, ("MAIN/DEFAULT", "BC-A-1"), ("A", "L"), 3).await.unwrap();
    assert_eq!((erp.has(picked, 1).await.0, erp.has(held, 1).await.0), ("2".into(), "2".into()));
    let lots = erp.stock_of("A").await.lots;
    assert_eq!(lots.iter().map(|lot| amount(&lot.value)).collect::<Vec<_>>(), ["20.00", "30.00"]);
    erp.balanced().await;
}

#[tokio::test]
async fn a_scan_that_does_not_say_enough_or_too_much_is_refused() {
    let erp = Erp::start().await;
    let item =
        |sku: &str| ItemInput { sku: sku.into(), unit: "pcs".into(), barcode: "460".into(), ..ItemInput::default() };
    let items = vec![item("A"), item("B")];
    erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items }).await.unwrap();
    erp.make_bins(vec![limited("A-1", 1, 3), bin("A-2", 2, BinPurpose::Pick)]).await.unwrap();
    erp.receive(&[goods("A", 5, "10", "L1"), goods("A", 5, "10", "L2")]).await;
    erp.block("BC-A-2", true, false).await.unwrap();
    let moves = ("MAIN/DEFAULT", "BC-A-1");
    let refused = async |moves, what, n| reason(&confirm(&erp, moves, what, n).await.unwrap_err());
    assert_eq!(refused(moves, ("A", ""), 1).await, "LOT_NEEDED");
    assert_eq!(refused(moves, ("460", "L1"), 1).await, "AMBIGUOUS_BARCODE");
    assert_eq!(refused(moves, ("Z", "L1"), 1).await, "UNKNOWN_SKU");
    assert_eq!(refused(moves, ("A", "L1"), 4).await, "BIN_FULL");
    assert_eq!(refused(moves, ("B", "L1"), 1).await, "NOT_FOUND", "the lot is another item's");
    assert_eq!(refused(("MAIN/DEFAULT", "BC-A-2"), ("A", "L1"), 1).await, "BIN_BLOCKED");
    assert_eq!(refused(("MAIN/DEFAULT", "NOWHERE"), ("A", "L1"), 1).await, "UNKNOWN_PLACE");
    assert_eq!(refused(("MAIN/QUARANTINE", "BC-A-1"), ("A", "L1"), 1).await, "NOT_ENOUGH_STOCK");
    let same = confirm(&erp, ("BC-A-1", "MAIN/A-1"), ("A", "L1"), 1).await.unwrap_err();
    assert_eq!(fields(&same), ["to_barcode"]);
    let empty = confirm(&erp, ("", ""), ("", ""), 0).await.unwrap_err();
    assert_eq!(fields(&empty), ["quantity", "from_barcode", "to_barcode", "item"]);
    assert_eq!(contents(&erp.scan("BC-A-1").await), []);
    confirm(&erp, moves, ("A", "L1"), 3).await.unwrap();
    erp.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bin_for_ten_takes_ten_of_thirty_who_come_at_once() {
    let erp = Erp::start().await;
    let skus: Vec<_> = (0..30).map(|n| format!("S{n}")).collect();
    erp.know(&skus.iter().map(String::as_str).collect::<Vec<_>>()).await;
    erp.make_bins(vec![limited("A-1", 1, 10)]).await.unwrap();
    erp.receive(&skus.iter().map(|sku| goods(sku, 1, "10", "L")).collect::<Vec<_>>()).await;
    let put = async |sku: &String| confirm(&erp, ("MAIN/DEFAULT", "BC-A-1"), (sku, "L"), 1).await;
    let done = join_all(skus.iter().map(put)).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 10);
    for refused in done.into_iter().filter_map(Result::err) {
        assert_eq!(reason(&refused), "BIN_FULL");
    }
    assert_eq!(contents(&erp.scan("BC-A-1").await).len(), 10);
    erp.balanced().await;
}
