//! Stocktaking: blind, by several people, while work goes on; approved by others.

use std::collections::BTreeMap;

use futures::{future::join_all, lock::Mutex};
use proto::{
    common::v1::PageRequest,
    erp::v1::{
        AdjustmentKind, ApproveCountRequest, ApproveCountResponse, BinPurpose, CancelCountRequest, CloseCountRequest,
        CompleteBinRequest, ConfirmPickRequest, Count, CountBin, CountLine, CountLineKey, CountState,
        CreateCountRequest, DemandRecountRequest, GetCountRequest, ItemInput, ListCountBinsRequest,
        ListCountLinesRequest, ListCountsRequest, ListMovesRequest, PackShipmentRequest, PickedLine,
        RecordCountRequest, RecordCountResponse, ShipShipmentRequest, ShortReason, UpsertItemsRequest,
        count_service_client::CountServiceClient, erp_event::Event,
    },
};
use tonic::{Code, Status};

use crate::{
    bins::bin,
    kit::{Erp, amount, fields, goods, key, line, pcs, reason, value},
};

fn of_bins(bins: &[&str]) -> CreateCountRequest {
    CreateCountRequest {
        request_id: key(),
        warehouse: "MAIN".into(),
        title: "May".into(),
        bins: bins.iter().map(|bin| (*bin).to_owned()).collect(),
        ..CreateCountRequest::default()
    }
}

impl Erp {
    async fn begin(&self, request: CreateCountRequest) -> Result<String, Status> {
        let begun = self.counts("boss").create_count(request).await?.into_inner();
        Ok(begun.count.unwrap().count_id)
    }

    /// Anna (or whoever) counts so much of a lot in a bin.
    async fn say(
        &self,
        who: &str,
        count: &str,
        (bin, sku, lot): (&str, &str, &str),
        quantity: i64,
    ) -> Result<RecordCountResponse, Status> {
        let request = RecordCountRequest {
            request_id: key(),
            count_id: count.into(),
            bin: bin.into(),
            item: sku.into(),
            lot: lot.into(),
            quantity: pcs(quantity),
        };
        self.counts(who).record_count(request).await.map(tonic::Response::into_inner)
    }

    async fn complete(&self, who: &str, count: &str, bin: &str) -> Result<String, Status> {
        let request = CompleteBinRequest { request_id: key(), count_id: count.into(), bin: bin.into() };
        self.counts(who).complete_bin(request).await.map(|answer| answer.into_inner().place)
    }

    async fn close_count(&self, count: &str) -> Result<Count, Status> {
        let request = CloseCountRequest { request_id: key(), count_id: count.into() };
        self.counts("boss").close_count(request).await.map(|answer| answer.into_inner().count.unwrap())
    }

    async fn recount(&self, count: &str, lines: &[(&str, &str, &str)]) -> Result<Count, Status> {
        let line = |(bin, sku, lot): &(&str, &str, &str)| CountLineKey {
            bin: (*bin).into(),
            sku: (*sku).into(),
            lot: (*lot).into(),
        };
        let lines = lines.iter().map(line).collect();
        let request = DemandRecountRequest { request_id: key(), count_id: count.into(), lines };
        self.counts("boss").demand_recount(request).await.map(|answer| answer.into_inner().count.unwrap())
    }

    async fn approve(&self, who: &str, count: &str) -> Result<ApproveCountResponse, Status> {
        let request = ApproveCountRequest { request_id: key(), count_id: count.into(), version: 0 };
        self.counts(who).approve_count(request).await.map(tonic::Response::into_inner)
    }

    async fn lines_of(&self, count: &str, differing_only: bool) -> Vec<CountLine> {
        let request = ListCountLinesRequest { count_id: count.into(), differing_only, ..Default::default() };
        self.counts("boss").list_count_lines(request).await.unwrap().into_inner().lines
    }

    /// Packs and ships what was picked.
    async fn send_off(&self, shipment: &str) {
        let request = PackShipmentRequest {
            request_id: key(),
            shipment_id: shipment.into(),
            places: 1,
            ..PackShipmentRequest::default()
        };
        self.fulfilment().pack_shipment(request).await.unwrap();
        let request = ShipShipmentRequest { request_id: key(), shipment_id: shipment.into(), ..Default::default() };
        self.fulfilment().ship_shipment(request).await.unwrap();
    }

    async fn count_of(&self, count: &str) -> Count {
        let request = GetCountRequest { count_id: count.into() };
        self.counts("boss").get_count(request).await.unwrap().into_inner().count.unwrap()
    }

    async fn bins_of(&self, count: &str, open_only: bool) -> Vec<CountBin> {
        let request = ListCountBinsRequest { count_id: count.into(), open_only, ..Default::default() };
        self.counts("boss").list_count_bins(request).await.unwrap().into_inner().bins
    }
}

/// Lot, counted, expected, difference of lines.
fn figures(lines: &[CountLine]) -> Vec<(&str, &str, &str, &str)> {
    lines
        .iter()
        .map(|line| (line.lot.as_str(), line.counted.as_str(), line.expected.as_str(), line.difference.as_str()))
        .collect()
}

/// Three bins; ten of L1 for 10 and five of L2 for 20 lie in the first.
async fn with_goods() -> Erp {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let bins = ["A-1", "A-2", "A-3"].into_iter().zip(1..).map(|(code, n)| bin(code, n, BinPurpose::Pick));
    erp.make_bins(bins.collect()).await.unwrap();
    erp.receive_at("BC-A-1", "A", "L1", 10).await.unwrap();
    erp.receive_at("BC-A-1", "A", "L2", 5).await.unwrap();
    erp
}

#[tokio::test]
async fn a_count_is_counted_closed_approved_by_another_and_posted_with_its_value() {
    let erp = with_goods().await;
    erp.receive_at("BC-A-1", "B", "L", 4).await.unwrap();
    let request = of_bins(&["BC-A-1", "MAIN/A-2"]);
    let begun = erp.counts("boss").create_count(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.counts("boss").create_count(request).await.unwrap().into_inner(), begun);
    let count = begun.count.unwrap();
    assert_eq!((count.state(), count.bins, count.bins_complete, count.version), (CountState::Open, 2, 0, 1));
    let id = count.count_id.as_str();
    erp.say("anna", id, ("BC-A-1", "A", "L1"), 8).await.unwrap();
    erp.say("bert", id, ("BC-A-1", "A", "L2"), 6).await.unwrap();
    let request = CompleteBinRequest { request_id: key(), count_id: id.into(), bin: "BC-A-1".into() };
    let done = erp.counts("anna").complete_bin(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.counts("anna").complete_bin(request).await.unwrap().into_inner(), done);
    erp.complete("bert", id, "BC-A-2").await.unwrap();
    assert_eq!(erp.figures("A").await[0], "15", "nothing is posted yet");

    let closed = erp.close_count(id).await.unwrap();
    assert_eq!((closed.state(), closed.bins_complete, closed.lines, closed.version), (CountState::Closed, 2, 3, 2));
    let lines = erp.lines_of(id, true).await;
    assert_eq!(figures(&lines), [("L1", "8", "10", "-2"), ("L2", "6", "5", "1"), ("L", "0", "4", "-4")]);
    assert_eq!(lines.iter().map(|line| amount(&line.value)).collect::<Vec<_>>(), ["-20.00", "10.00", "-40.00"]);
    assert!(lines[2].entries[0].implied && lines[2].entries[0].counted_by == "anna", "nobody scanned B");

    let request = ApproveCountRequest { request_id: key(), count_id: id.into(), version: closed.version };
    let approved = erp.counts("chief").approve_count(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        (approved.differences, amount(&approved.surplus), amount(&approved.shortage)),
        (3, "10.00".into(), "60.00".into())
    );
    assert_eq!(erp.counts("chief").approve_count(request).await.unwrap().into_inner(), approved);
    let head = approved.count.unwrap();
    assert_eq!((head.state(), head.ended_by.as_str()), (CountState::Posted, "chief"));
    assert_eq!(reason(&erp.approve("chief", id).await.unwrap_err()), "COUNT_STATE");
    assert_eq!((erp.figures("A").await[0].as_str(), erp.figures("B").await[0].as_str()), ("14", "0"));
    assert_eq!((erp.worth("A").await, erp.worth("B").await), ("140.00".into(), "0.00".into()));
    let request = ListMovesRequest { sku: "A".into(), lot: "L2".into(), ..ListMovesRequest::default() };
    let newest = erp.stock().list_moves(request).await.unwrap().into_inner().moves.remove(0);
    let found =
        (newest.from_place.as_str(), newest.quantity.as_str(), newest.cause_kind.as_str(), newest.cause_id.as_str());
    assert_eq!(found, ("COUNTING", "1", "count", id));
    assert_eq!(figures(&erp.lines_of(id, true).await)[0], ("L1", "8", "10", "-2"), "what was seen stays to be read");
    erp.balanced().await;

    assert_eq!(erp.told(id).await, ["count_posted"]);
    let Event::CountPosted(fact) = erp.facts("count_posted").await.remove(0) else { panic!() };
    assert_eq!((fact.count_id.as_str(), fact.part, fact.parts, fact.approved_by.as_str()), (id, 1, 1, "chief"));
    let told: Vec<_> =
        fact.lines.iter().map(|one| (one.lot.as_str(), value(&one.difference), amount(&one.value))).collect();
    let told: Vec<_> = told.iter().map(|(lot, n, worth)| (*lot, n.as_str(), worth.as_str())).collect();
    assert_eq!(told, [("L1", "-2", "-20.00"), ("L2", "1", "10.00"), ("L", "-4", "-40.00")]);
    assert_eq!(fact.lines[0].place, "MAIN/A-1");
}

#[tokio::test]
async fn counters_are_not_told_what_the_books_say_and_values_need_a_permission_of_their_own() {
    let erp = with_goods().await;
    let id = erp.begin(of_bins(&["BC-A-1"])).await.unwrap();
    let counter = ["erp.count.read", "erp.count.record"];
    let mut counter = CountServiceClient::new(erp.app.client_as("anna", &counter));
    let request = RecordCountRequest {
        request_id: key(),
        count_id: id.clone(),
        bin: "BC-A-1".into(),
        item: "A".into(),
        lot: "L1".into(),
        quantity: pcs(7),
    };
    let first = counter.record_count(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.sku.as_str(), first.lot.as_str(), first.round), ("A", "L1", 1));
    assert_eq!(counter.record_count(request).await.unwrap().into_inner(), first, "a repeat is not another count");
    let request = ListCountLinesRequest { count_id: id.clone(), ..Default::default() };
    assert_eq!(counter.list_count_lines(request.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    let approve = ApproveCountRequest { request_id: key(), count_id: id.clone(), version: 0 };
    assert_eq!(counter.approve_count(approve.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    let bins = ListCountBinsRequest { count_id: id.clone(), ..Default::default() };
    assert_eq!(counter.list_count_bins(bins).await.unwrap().into_inner().bins[0].lines, 1);

    let reviewer = ["erp.count.review", "erp.count.approve"];
    let mut reviewer = CountServiceClient::new(erp.app.client_as("chief", &reviewer));
    let lines = reviewer.list_count_lines(request).await.unwrap().into_inner().lines;
    assert_eq!(
        (figures(&lines)[0], lines[0].value.is_none(), lines[0].entries.len()),
        (("L1", "7", "10", "-3"), true, 1)
    );
    erp.close_count(&id).await.unwrap();
    let approved = reviewer.approve_count(approve).await.unwrap().into_inner();
    assert_eq!((approved.differences, approved.surplus, approved.shortage), (1, None, None));
}

#[tokio::test]
async fn who_counted_does_not_approve_and_of_many_approvals_one_posts() {
    let erp = with_goods().await;
    let id = erp.begin(of_bins(&["BC-A-1", "BC-A-2"])).await.unwrap();
    assert_eq!(reason(&erp.approve("chief", &id).await.unwrap_err()), "COUNT_STATE", "it is not closed");
    erp.say("anna", &id, ("BC-A-1", "A", "L1"), 4).await.unwrap();
    erp.complete("bert", &id, "BC-A-2").await.unwrap();
    let closed = erp.close_count(&id).await.unwrap();
    for counted in ["anna", "bert"] {
        assert_eq!(reason(&erp.approve(counted, &id).await.unwrap_err()), "SAME_PERSON");
    }
    let request = ApproveCountRequest { request_id: key(), count_id: id.clone(), version: closed.version - 1 };
    let refused = erp.counts("chief").approve_count(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Aborted, "VERSION_CONFLICT"));
    let approved = join_all((0..8).map(async |n| erp.approve(&format!("chief{n}"), &id).await)).await;
    assert_eq!(approved.iter().filter(|approved| approved.is_ok()).count(), 1);
    for refused in approved.into_iter().filter_map(Result::err) {
        assert_eq!(reason(&refused), "COUNT_STATE");
    }
    assert_eq!(erp.figures("A").await[0], "9");
    erp.balanced().await;
}

#[tokio::test]
async fn two_people_who_disagree_are_asked_again_and_all_they_said_is_kept() {
    let erp = with_goods().await;
    let id = erp.begin(of_bins(&["BC-A-1"])).await.unwrap();
    let there = ("BC-A-1", "A", "L1");
    tokio::join!(erp.say("anna", &id, there, 9), erp.say("bert", &id, there, 10)).0.unwrap();
    erp.say("bert", &id, ("BC-A-1", "A", "L2"), 4).await.unwrap();
    erp.say("bert", &id, ("BC-A-1", "A", "L2"), 5).await.unwrap();
    erp.close_count(&id).await.unwrap();
    let lines = erp.lines_of(&id, false).await;
    assert_eq!((lines[0].disputed, lines[1].disputed), (true, false), "to correct oneself is no dispute");
    assert_eq!(reason(&erp.approve("chief", &id).await.unwrap_err()), "COUNT_DISPUTED");
    let request = DemandRecountRequest {
        request_id: key(),
        count_id: id.clone(),
        lines: vec![CountLineKey { bin: "BC-A-1".into(), sku: "A".into(), lot: "L1".into() }],
    };
    let again = erp.counts("chief").demand_recount(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.counts("chief").demand_recount(request).await.unwrap().into_inner(), again);
    let head = again.count.unwrap();
    assert_eq!((head.state(), head.recounts_open, head.closed_by.as_str()), (CountState::Open, 1, ""));
    let open = erp.bins_of(&id, true).await;
    assert_eq!(
        open[0].recounts.iter().map(|one| (one.sku.as_str(), one.lot.as_str())).collect::<Vec<_>>(),
        [("A", "L1")]
    );
    assert_eq!(reason(&erp.close_count(&id).await.unwrap_err()), "RECOUNT_OPEN");
    let waiting = erp.lines_of(&id, true).await;
    assert_eq!(figures(&waiting), [("L1", "", "", "")]);
    assert_eq!(erp.say("carl", &id, there, 9).await.unwrap().round, 2);
    erp.close_count(&id).await.unwrap();
    let lines = erp.lines_of(&id, false).await;
    let said: Vec<_> = lines[0].entries.iter().map(|one| (one.round, one.counted.as_str())).collect();
    assert_eq!((said.len(), said[0], lines[0].disputed), (3, (2, "9"), false));
    erp.approve("chief", &id).await.unwrap();
    assert_eq!(erp.figures("A").await[0], "14");
    for (lines, refusal) in [(("BC-A-1", "A", "L9"), "NOT_IN_COUNT"), (("NOWHERE", "A", "L1"), "UNKNOWN_PLACE")] {
        let other = erp.begin(of_bins(&["BC-A-1"])).await.unwrap();
        assert_eq!(reason(&erp.recount(&other, &[lines]).await.unwrap_err()), refusal);
    }
    erp.balanced().await;
}

#[tokio::test]
async fn goods_that_leave_after_they_were_counted_or_are_in_pickers_hands_make_no_difference() {
    let erp = with_goods().await;
    let (sold, picked, picking) = (
        erp.place(1, vec![line(1, "A", 2)]).await,
        erp.place(2, vec![line(1, "A", 3)]).await,
        erp.place(3, vec![line(1, "A", 1)]).await,
    );
    let shipment = erp.pick(picked).await.shipment_id;
    let request = ConfirmPickRequest { request_id: key(), shipment_id: shipment.clone(), lines: Vec::new() };
    erp.fulfilment().confirm_pick(request).await.unwrap();
    let id = erp.begin(of_bins(&["BC-A-1"])).await.unwrap();
    erp.pick(picking).await;
    // Ten in the books; three are in a parcel, one is in somebody's hands.
    erp.say("anna", &id, ("BC-A-1", "A", "L1"), 6).await.unwrap();
    let lines = erp.lines_of(&id, false).await;
    assert_eq!(figures(&lines), [("L1", "6", "10", "0")]);
    assert_eq!((lines[0].picked.as_str(), lines[0].picking.as_str(), lines[0].unresolved), ("3", "1", true));
    erp.say("anna", &id, ("BC-A-1", "A", "L1"), 5).await.unwrap();
    assert_eq!(figures(&erp.lines_of(&id, false).await), [("L1", "5", "10", "-1")], "one more cannot be explained");
    assert_eq!(erp.ship(sold).await.refusal, "");
    erp.send_off(&shipment).await;
    erp.receive_at("BC-A-1", "A", "L1", 7).await.unwrap();
    assert_eq!(
        figures(&erp.lines_of(&id, false).await),
        [("L1", "5", "10", "-1")],
        "what moved since is not asked about"
    );
    erp.close_count(&id).await.unwrap();
    erp.approve("chief", &id).await.unwrap();
    assert_eq!(erp.figures("A").await, ["16", "1", "15", "0"], "15 − 2 − 3 + 7 − 1");
    erp.balanced().await;
}

#[tokio::test]
async fn what_others_found_out_since_is_not_posted_twice() {
    let erp = with_goods().await;
    let (first, second) =
        (erp.begin(of_bins(&["BC-A-1"])).await.unwrap(), erp.begin(of_bins(&["BC-A-1"])).await.unwrap());
    erp.say("anna", &first, ("BC-A-1", "A", "L1"), 7).await.unwrap();
    erp.say("bert", &second, ("BC-A-1", "A", "L1"), 7).await.unwrap();
    let id = erp.place(1, vec![line(1, "A", 10)]).await;
    let shipment = erp.pick(id).await.shipment_id;
    erp.close_count(&first).await.unwrap();
    assert_eq!(reason(&erp.approve("chief", &first).await.unwrap_err()), "PICKED_STOCK");
    assert_eq!(erp.count_of(&first).await.state(), CountState::Closed, "nothing has happened");
    let short = PickedLine { line_no: 1, lot: "L1".into(), picked: pcs(8), short_reason: ShortReason::NotFound.into() };
    let request = ConfirmPickRequest { request_id: key(), shipment_id: shipment, lines: vec![short] };
    erp.fulfilment().confirm_pick(request).await.unwrap();
    let lines = erp.lines_of(&first, false).await;
    assert_eq!(figures(&lines), [("L1", "7", "8", "-1")], "the picker has found two of three missing");
    let refused = erp.approve("chief", &first).await.unwrap_err();
    assert_eq!(reason(&refused), "PICKED_STOCK", "somebody must look: eight were picked of seven");
    let adjusted = erp.adjust(AdjustmentKind::Count, "A", "L2", 0).await.unwrap();
    assert_eq!(adjusted.difference, "0", "in the default bin there is nothing of it");
    erp.ship(id).await;
    erp.balanced().await;
    erp.receive_at("BC-A-1", "A", "L1", 1).await.unwrap();
    erp.approve("chief", &first).await.unwrap();
    erp.close_count(&second).await.unwrap();
    assert_eq!(erp.approve("chief", &second).await.unwrap().differences, 0, "the other count has said so");
    erp.balanced().await;
}

#[tokio::test]
async fn a_reserved_lot_found_missing_moves_orders_to_other_lots_or_lets_them_wait() {
    let erp = with_goods().await;
    let (first, last) = (erp.place(1, vec![line(1, "A", 6)]).await, erp.place(2, vec![line(1, "A", 6)]).await);
    let id = erp.begin(of_bins(&["BC-A-1"])).await.unwrap();
    erp.say("anna", &id, ("BC-A-1", "A", "L1"), 3).await.unwrap();
    erp.close_count(&id).await.unwrap();
    erp.approve("chief", &id).await.unwrap();
    let lot = |lot: &str, n: &str| (lot.to_owned(), n.to_owned());
    assert_eq!(erp.lots(first, 1).await, [lot("L1", "3"), lot("L2", "3")]);
    assert_eq!(erp.lots(last, 1).await, [lot("L2", "2")], "who came last gives way");
    assert_eq!(
        (erp.has(last, 1).await.1, erp.figures("A").await),
        ("4".into(), ["8", "8", "0", "4"].map(String::from))
    );
    erp.balanced().await;
}

#[tokio::test]
async fn goods_nobody_expected_in_a_bin_are_a_surplus_and_serve_those_who_wait() {
    let erp = with_goods().await;
    let waiting = erp.place(1, vec![line(1, "A", 17)]).await;
    assert_eq!(erp.has(waiting, 1).await.1, "2");
    let id = erp.begin(of_bins(&["BC-A-2"])).await.unwrap();
    assert_eq!(reason(&erp.say("anna", &id, ("BC-A-2", "A", ""), 3).await.unwrap_err()), "LOT_NEEDED");
    let unheard = erp.say("anna", &id, ("BC-A-2", "A", "L7"), 3).await.unwrap_err();
    assert_eq!(unheard.code(), Code::NotFound);
    erp.say("anna", &id, ("BC-A-2", "A", "L2"), 3).await.unwrap();
    erp.close_count(&id).await.unwrap();
    assert_eq!(amount(&erp.approve("chief", &id).await.unwrap().surplus), "30.00", "at what the lot cost");
    assert_eq!(erp.has(waiting, 1).await.1, "0");
    erp.balanced().await;
}

#[tokio::test]
async fn bins_nobody_counted_are_listed_and_stay_unless_the_count_says_they_are_empty() {
    let erp = with_goods().await;
    erp.receive_at("BC-A-2", "B", "L", 3).await.unwrap();
    for uncounted_is_empty in [false, true] {
        let zone = CreateCountRequest { zones: vec!["A".into()], uncounted_is_empty, ..of_bins(&[]) };
        let id = erp.begin(zone).await.unwrap();
        erp.say("anna", &id, ("BC-A-1", "A", "L1"), 10).await.unwrap();
        erp.say("anna", &id, ("BC-A-1", "A", "L2"), 5).await.unwrap();
        erp.complete("anna", &id, "BC-A-1").await.unwrap();
        let open: Vec<_> = erp.bins_of(&id, true).await.into_iter().map(|bin| bin.place).collect();
        assert_eq!(open, ["MAIN/A-2", "MAIN/A-3"]);
        assert_eq!(erp.close_count(&id).await.unwrap().bins_complete, if uncounted_is_empty { 3 } else { 1 });
        let approved = erp.approve("chief", &id).await.unwrap();
        assert_eq!(approved.differences, i32::from(uncounted_is_empty));
        assert_eq!(erp.figures("B").await[0], if uncounted_is_empty { "0" } else { "3" });
    }
    let Event::CountPosted(fact) = erp.facts("count_posted").await.remove(0) else { panic!() };
    assert_eq!((fact.lines.len(), fact.parts), (0, 1), "that everything is right is worth telling too");
    erp.balanced().await;
}

#[tokio::test]
async fn a_selection_of_goods_finds_its_bins_and_refuses_others() {
    let erp = with_goods().await;
    let item = ItemInput { sku: "B".into(), unit: "pcs".into(), category: "reels".into(), ..ItemInput::default() };
    erp.items().upsert_items(UpsertItemsRequest { request_id: key(), items: vec![item] }).await.unwrap();
    erp.receive_at("BC-A-2", "B", "L", 3).await.unwrap();
    erp.receive_at("BC-A-2", "A", "L1", 1).await.unwrap();
    let places = async |request: CreateCountRequest| {
        let id = erp.begin(request).await.unwrap();
        let places: Vec<_> = erp.bins_of(&id, false).await.into_iter().map(|bin| bin.place).collect();
        (id, places)
    };
    let reels = CreateCountRequest { categories: vec!["reels".into()], ..of_bins(&[]) };
    let (id, found) = places(reels).await;
    assert_eq!(found, ["MAIN/A-2"]);
    assert_eq!(places(CreateCountRequest { skus: vec!["A".into()], ..of_bins(&[]) }).await.1, ["MAIN/A-1", "MAIN/A-2"]);
    assert_eq!(places(of_bins(&[])).await.1, ["MAIN/A-1", "MAIN/A-2"], "all that has stock");
    assert_eq!(places(of_bins(&["BC-A-3"])).await.1, ["MAIN/A-3"], "a bin named is counted though it is empty");
    assert_eq!(reason(&erp.say("anna", &id, ("BC-A-2", "A", "L1"), 1).await.unwrap_err()), "NOT_IN_COUNT");
    assert_eq!(reason(&erp.say("anna", &id, ("BC-A-1", "B", "L"), 1).await.unwrap_err()), "NOT_IN_COUNT");
    assert_eq!(reason(&erp.complete("anna", &id, "BC-A-1").await.unwrap_err()), "NOT_IN_COUNT");
    erp.complete("anna", &id, "BC-A-2").await.unwrap();
    assert_eq!(figures(&erp.lines_of(&id, false).await), [("L", "0", "3", "-3")], "only the goods of the count");

    let nothing = CreateCountRequest { skus: vec!["B".into()], ..of_bins(&["BC-A-1"]) };
    assert_eq!(reason(&erp.begin(nothing).await.unwrap_err()), "NOTHING_TO_COUNT");
    let unknown = CreateCountRequest { skus: vec!["Z".into()], ..of_bins(&[]) };
    assert_eq!(reason(&erp.begin(unknown).await.unwrap_err()), "UNKNOWN_SKU");
    assert_eq!(reason(&erp.begin(of_bins(&["NOWHERE"])).await.unwrap_err()), "UNKNOWN_PLACE");
    let mars = CreateCountRequest { warehouse: "MARS".into(), ..of_bins(&[]) };
    assert_eq!(reason(&erp.begin(mars).await.unwrap_err()), "UNKNOWN_WAREHOUSE");
    let bad = CreateCountRequest { title: " ".into(), skus: vec![String::new()], ..of_bins(&[]) };
    assert_eq!(fields(&erp.begin(bad).await.unwrap_err()), ["title", "skus[0]"]);
}

#[tokio::test]
async fn a_count_given_up_changes_nothing_and_an_ended_one_takes_nothing_more() {
    let erp = with_goods().await;
    let id = erp.begin(of_bins(&["BC-A-1"])).await.unwrap();
    erp.say("anna", &id, ("BC-A-1", "A", "L1"), 1).await.unwrap();
    let request = CancelCountRequest { request_id: key(), count_id: id.clone() };
    let gone = erp.counts("boss").cancel_count(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.counts("boss").cancel_count(request).await.unwrap().into_inner(), gone);
    assert_eq!(gone.count.unwrap().state(), CountState::Cancelled);
    let request = CancelCountRequest { request_id: key(), count_id: id.clone() };
    let refusals = [
        erp.counts("boss").cancel_count(request).await.unwrap_err(),
        erp.say("anna", &id, ("BC-A-1", "A", "L1"), 2).await.unwrap_err(),
        erp.complete("anna", &id, "BC-A-1").await.unwrap_err(),
        erp.close_count(&id).await.unwrap_err(),
        erp.recount(&id, &[("BC-A-1", "A", "L1")]).await.unwrap_err(),
        erp.approve("chief", &id).await.unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!(reason(&refused), "COUNT_STATE");
    }
    assert_eq!(erp.figures("A").await[0], "15");
    let unknown = key();
    assert_eq!(erp.close_count(&unknown).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(erp.say("anna", &unknown, ("BC-A-1", "A", "L1"), 2).await.unwrap_err().code(), Code::NotFound);
    let bad = RecordCountRequest { request_id: key(), count_id: "42".into(), quantity: pcs(-1), ..Default::default() };
    let refused = erp.counts("anna").record_count(bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["count_id", "quantity", "bin", "item"]);
    let later = erp.begin(of_bins(&["BC-A-1"])).await.unwrap();
    let list = async |state: CountState, page_token| {
        let page = Some(PageRequest { page_size: 1, page_token });
        let request = ListCountsRequest { page, state: state.into() };
        let answer = erp.counts("boss").list_counts(request).await.unwrap().into_inner();
        (answer.counts[0].count_id.clone(), answer.page.unwrap().next_page_token)
    };
    let (newest, token) = list(CountState::Unspecified, String::new()).await;
    assert_eq!((newest, list(CountState::Unspecified, token).await.0), (later, id.clone()));
    assert_eq!(list(CountState::Cancelled, String::new()).await.0, id);
}

#[tokio::test]
async fn many_differences_are_posted_at_once_and_told_in_parts() {
    let erp = with_goods().await;
    let lots: Vec<_> = (0..1100).map(|n| format!("X{n}")).collect();
    for some in lots.chunks(550) {
        let lines: Vec<_> = some.iter().map(|lot| goods("B", 1, "2.5", lot)).collect();
        erp.receive(&lines).await;
    }
    let id = erp.begin(of_bins(&["MAIN/DEFAULT"])).await.unwrap();
    erp.complete("anna", &id, "MAIN/DEFAULT").await.unwrap();
    erp.close_count(&id).await.unwrap();
    let approved = erp.approve("chief", &id).await.unwrap();
    assert_eq!((approved.differences, amount(&approved.shortage)), (1100, "2750.00".into()));
    let parts = erp.facts("count_posted").await.into_iter().map(|fact| match fact {
        Event::CountPosted(fact) => (fact.part, fact.parts, fact.lines.len()),
        _ => unreachable!(),
    });
    assert_eq!(parts.collect::<Vec<_>>(), [(1, 2, 1000), (2, 2, 100)]);
    assert_eq!(erp.told(&id).await.len(), 2);
    erp.balanced().await;
}

/// What really lies in each bin. Whoever takes something out or counts holds the item's lock, as hands and eyes do.
type Shelves = BTreeMap<String, Mutex<i64>>;

/// An order is placed, picked, packed off; at one moment its piece leaves the shelf, at another the books.
async fn sell(erp: &Erp, shelves: &Shelves, n: usize, sku: &str) {
    let id = erp.place(n as i64, vec![line(1, sku, 1)]).await;
    if n.is_multiple_of(3) {
        let mut shelf = shelves[sku].lock().await;
        assert_eq!(erp.ship(id).await.refusal, "");
        *shelf -= 1;
        return;
    }
    let shipment = erp.pick(id).await.shipment_id;
    {
        let mut shelf = shelves[sku].lock().await;
        let request = ConfirmPickRequest { request_id: key(), shipment_id: shipment.clone(), lines: Vec::new() };
        erp.fulfilment().confirm_pick(request).await.unwrap();
        *shelf -= 1;
    }
    erp.send_off(&shipment).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_picks_while_a_count_is_open_and_in_the_end_the_books_are_the_shelves() {
    let erp = Erp::start().await;
    // Books say a hundred of each; on the shelves things are otherwise.
    let shelves: Shelves = [("S0", 97), ("S1", 102), ("S2", 100), ("S3", 88)]
        .map(|(sku, really)| (sku.to_owned(), Mutex::new(really)))
        .into();
    let skus: Vec<_> = shelves.keys().map(String::as_str).collect();
    erp.know(&skus).await;
    erp.make_bins(skus.iter().zip(1..).map(|(sku, n)| bin(sku, n, BinPurpose::Pick)).collect()).await.unwrap();
    for sku in &skus {
        erp.receive_at(&format!("BC-{sku}"), sku, "L", 100).await.unwrap();
    }
    let id = erp.begin(of_bins(&[])).await.unwrap();
    let look = async |who: &str, sku: &str| {
        let shelf = shelves[sku].lock().await;
        erp.say(who, &id, (&format!("BC-{sku}"), sku, "L"), *shelf).await.unwrap();
    };
    tokio::join!(
        join_all((0..300).map(|n| sell(&erp, &shelves, n, skus[n % 4]))),
        join_all((0..24).map(|n| look(["anna", "bert"][n % 2], skus[n / 2 % 4]))),
    );
    erp.close_count(&id).await.unwrap();
    let lines = erp.lines_of(&id, false).await;
    assert!(lines.iter().all(|line| !line.disputed), "they saw the same at different times: {lines:?}");
    // Where a picker may have had something in his hands, it is counted once more.
    let vague: Vec<_> = lines.iter().filter(|line| line.unresolved).map(|line| line.sku.clone()).collect();
    if !vague.is_empty() {
        let places: Vec<_> = vague.iter().map(|sku| format!("BC-{sku}")).collect();
        let wanted: Vec<_> =
            vague.iter().zip(&places).map(|(sku, place)| (place.as_str(), sku.as_str(), "L")).collect();
        erp.recount(&id, &wanted).await.unwrap();
        join_all(vague.iter().map(|sku| look("carl", sku))).await;
        erp.close_count(&id).await.unwrap();
    }
    erp.approve("chief", &id).await.unwrap();
    for (sku, shelf) in &shelves {
        assert_eq!(erp.figures(sku).await[0], shelf.lock().await.to_string(), "{sku}");
    }
    assert_eq!(erp.figures("S2").await[0], "25");
    erp.balanced().await;
}
