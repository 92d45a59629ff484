//! Recalls: everything of a lot is stopped, found and counted back.

use std::collections::BTreeSet;

use futures::future::join_all;
use proto::{
    common::v1::PageRequest,
    erp::v1::{
        AdjustmentKind, CloseRecallRequest, GetRecallRequest, GetShipmentRequest, ListRecallOrdersRequest,
        ListRecallsRequest, LotStatus, OpenRecallRequest, Recall, RecallLot, RecallOrder, RecallSeverity, RecallState,
        ShipOrdersRequest, ShipShipmentRequest, ShipmentState, erp_event::Event,
    },
    orders::v1::ReturnOutcome,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    kit::{Erp, fields, goods, key, line, order, placed, reason, returned},
    kits::{assemble, put},
    traceability::{receive_from, trace},
};

fn of_lots(lots: &[(&str, &str)]) -> OpenRecallRequest {
    let lot = |(sku, lot): &(&str, &str)| RecallLot { sku: (*sku).into(), lot: (*lot).into() };
    OpenRecallRequest {
        request_id: key(),
        reason: "glass in the jar".into(),
        severity: RecallSeverity::Critical.into(),
        lots: lots.iter().map(lot).collect(),
        ..OpenRecallRequest::default()
    }
}

async fn open(erp: &Erp, lots: &[(&str, &str)]) -> Result<Recall, Status> {
    erp.recalls().open_recall(of_lots(lots)).await.map(|answer| answer.into_inner().recall.unwrap())
}

async fn close(erp: &Erp, id: &str, release_lots: bool) -> Result<Recall, Status> {
    let request = CloseRecallRequest { request_id: key(), recall_id: id.into(), summary: "done".into(), release_lots };
    erp.recalls().close_recall(request).await.map(|answer| answer.into_inner().recall.unwrap())
}

async fn read(erp: &Erp, id: &str) -> Recall {
    let request = GetRecallRequest { recall_id: id.into() };
    erp.recalls().get_recall(request).await.unwrap().into_inner().recall.unwrap()
}

async fn orders(erp: &Erp, id: &str, only_out: bool) -> Vec<RecallOrder> {
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 400, page_token: token });
        let request = ListRecallOrdersRequest { page, recall_id: id.into(), only_out };
        let answer = erp.recalls().list_recall_orders(request).await.unwrap().into_inner();
        seen.extend(answer.orders);
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            return seen;
        }
    }
}

/// Before: on hand, out; stopped; now: on hand, out; returned, destroyed.
fn progress(recall: &Recall, sku: &str) -> [String; 7] {
    let lot = recall.lots.iter().find(|lot| lot.sku == sku).unwrap().clone();
    [lot.on_hand_before, lot.out_before, lot.stopped, lot.on_hand, lot.out, lot.returned, lot.destroyed]
}

async fn state(erp: &Erp, shipment: &str) -> ShipmentState {
    let request = GetShipmentRequest { shipment_id: shipment.into() };
    erp.fulfilment().get_shipment(request).await.unwrap().into_inner().shipment.unwrap().state()
}

#[tokio::test]
async fn a_recall_takes_the_lot_and_what_was_made_of_it_from_orders_and_open_shipments() {
    let erp = Erp::start().await;
    erp.know(&["A", "B", "BOX"]).await;
    receive_from(&erp, "ACME", "S-1", &[("A", 20, "bad")]).await;
    erp.receive(&[goods("A", 3, "1", "good"), goods("B", 9, "1", "b")]).await;
    put(&erp, "BOX", &[("A", 1, 1)]).await.unwrap();
    assemble(&erp, "BOX", 4, "box", Vec::new()).await.unwrap();
    let gone = erp.place(1, vec![line(1, "A", 5)]).await;
    erp.ship(gone).await;
    let picking = erp.place(2, vec![line(1, "A", 2), line(2, "B", 2)]).await;
    let shipment = erp.pick(picking).await.shipment_id;
    let waiting = erp.place(3, vec![line(1, "A", 4), line(2, "BOX", 3)]).await;

    let request = OpenRecallRequest { lots: Vec::new(), supplier_lot: "S-1".into(), ..of_lots(&[]) };
    let recall = erp.recalls().open_recall(request.clone()).await.unwrap().into_inner().recall.unwrap();
    assert_eq!(erp.recalls().open_recall(request).await.unwrap().into_inner().recall.as_ref(), Some(&recall));
    assert_eq!(
        (recall.number, recall.state(), recall.supplier_lot.as_str(), recall.order_count),
        (1, RecallState::Open, "S-1", 1)
    );
    assert_eq!(progress(&recall, "A"), ["11", "5", "6", "11", "5", "0", "0"]);
    assert_eq!(progress(&recall, "BOX"), ["4", "0", "3", "4", "0", "0", "0"]);
    assert_eq!(recall.lots.iter().map(|lot| lot.named).collect::<Vec<_>>(), [true, false]);

    assert_eq!(state(&erp, &shipment).await, ShipmentState::Cancelled);
    let leave = ShipShipmentRequest { request_id: key(), shipment_id: shipment, ..ShipShipmentRequest::default() };
    assert_eq!(reason(&erp.fulfilment().ship_shipment(leave).await.unwrap_err()), "SHIPMENT_STATE");
    assert_eq!(erp.lots(picking, 1).await, [("good".into(), "2".into())], "who came first gets what else there is");
    assert_eq!(erp.lots(picking, 2).await, [("b".into(), "2".into())], "what else was in the shipment stays");
    assert_eq!(
        (erp.has(waiting, 1).await, erp.has(waiting, 2).await),
        (("1".into(), "3".into()), ("0".into(), "3".into()))
    );
    assert_eq!(erp.figures("A").await, ["14", "3", "0", "3"]);
    let stopped: BTreeSet<_> = orders(&erp, &recall.recall_id, false)
        .await
        .into_iter()
        .map(|one| (one.order_id, one.sku, one.stopped, one.out))
        .collect();
    let entry =
        |id: Uuid, sku: &str, stopped: &str, out: &str| (id.to_string(), sku.into(), stopped.into(), out.into());
    let expected = [
        entry(gone, "A", "0", "5"),
        entry(picking, "A", "2", "0"),
        entry(waiting, "A", "4", "0"),
        entry(waiting, "BOX", "3", "0"),
    ];
    assert_eq!(stopped, BTreeSet::from(expected));
    assert_eq!(orders(&erp, &recall.recall_id, true).await.len(), 1);

    assert_eq!(erp.told(&recall.recall_id).await, ["recall_opened"]);
    let facts = erp.facts("recall_opened").await;
    let [Event::RecallOpened(fact)] = facts.as_slice() else { panic!("{facts:?}") };
    let lots: BTreeSet<_> = fact.lots.iter().map(|lot| (lot.sku.as_str(), lot.lot.as_str())).collect();
    assert_eq!(lots, BTreeSet::from([("A", "bad"), ("BOX", "box")]));
    assert_eq!((fact.part, fact.parts, fact.severity.as_str()), (1, 1, "critical"));
    assert_eq!((fact.order_ids.as_slice(), fact.order_count), ([gone.to_string()].as_slice(), 1));
    erp.ship(picking).await;
    let shipped: Vec<_> = erp.reservation(picking).await.lines.into_iter().map(|line| line.shipped).collect();
    assert_eq!(shipped, ["2", "2"], "what was in the cancelled shipment leaves in another");
    erp.balanced().await;
}

#[tokio::test]
async fn what_comes_back_and_what_is_destroyed_is_counted_until_the_recall_is_closed() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 20, "1", "bad")]).await;
    let (one, two) = (erp.place(1, vec![line(1, "A", 6)]).await, erp.place(2, vec![line(1, "A", 4)]).await);
    erp.ship(one).await;
    erp.ship(two).await;
    erp.deliver(&[returned(one, &[(1, "", 1)], ReturnOutcome::Restock)]).await;
    let id = open(&erp, &[("A", "bad")]).await.unwrap().recall_id;
    erp.deliver(&[returned(one, &[(1, "", 5)], ReturnOutcome::Restock)]).await;
    erp.deliver(&[returned(two, &[(1, "", 3)], ReturnOutcome::WriteOff)]).await;
    erp.adjust(AdjustmentKind::WriteOff, "A", "bad", 7).await.unwrap();
    assert_eq!(progress(&read(&erp, &id).await, "A"), ["11", "9", "0", "9", "1", "8", "10"]);
    assert_eq!(erp.figures("A").await[2], "0", "what came back is not sold again");
    let out = orders(&erp, &id, true).await;
    assert_eq!((out.len(), out[0].order_id.as_str(), out[0].out.as_str()), (1, two.to_string().as_str(), "1"));

    let refused = erp.set_lot("A", "bad", LotStatus::Available).await.unwrap_err();
    assert_eq!(reason(&refused), "LOT_RECALLED");
    erp.set_lot("A", "bad", LotStatus::Blocked).await.unwrap();
    let request = CloseRecallRequest {
        request_id: key(),
        recall_id: id.clone(),
        summary: "9 of 10 back".into(),
        release_lots: false,
    };
    let closed = erp.recalls().close_recall(request.clone()).await.unwrap().into_inner();
    assert_eq!(erp.recalls().close_recall(request).await.unwrap().into_inner(), closed);
    let closed = closed.recall.unwrap();
    assert_eq!(
        (closed.state(), closed.summary.as_str(), closed.closed_at.is_some()),
        (RecallState::Closed, "9 of 10 back", true)
    );
    assert_eq!(erp.told(&id).await, ["recall_opened", "recall_closed"]);
    assert_eq!(reason(&close(&erp, &id, true).await.unwrap_err()), "RECALL_CLOSED");
    assert_eq!(erp.figures("A").await[2], "0", "the lot stays blocked");
    erp.set_lot("A", "bad", LotStatus::Available).await.unwrap();
    assert_eq!(erp.figures("A").await[2], "9");
    erp.balanced().await;
}

#[tokio::test]
async fn a_false_alarm_gives_the_lots_back_unless_another_recall_names_them() {
    let erp = Erp::start().await;
    erp.know(&["A", "Q"]).await;
    erp.receive(&[goods("A", 5, "1", "a"), goods("Q", 5, "1", "q")]).await;
    erp.set_lot("Q", "q", LotStatus::Quarantined).await.unwrap();
    let id = erp.place(1, vec![line(1, "A", 5)]).await;
    let first = open(&erp, &[("A", "a"), ("Q", "q")]).await.unwrap().recall_id;
    let second = open(&erp, &[("A", "a")]).await.unwrap().recall_id;
    assert_eq!(erp.has(id, 1).await, ("0".into(), "5".into()));
    close(&erp, &first, true).await.unwrap();
    assert_eq!(erp.has(id, 1).await, ("0".into(), "5".into()), "the second recall still stands");
    close(&erp, &second, true).await.unwrap();
    assert_eq!(erp.has(id, 1).await, ("5".into(), "0".into()));
    let status = trace(&erp, "Q", "q").await.lots[0].status();
    assert_eq!(status, LotStatus::Quarantined, "it gets back the status it had");

    let (bad, doubt) =
        (open(&erp, &[("A", "a")]).await.unwrap().recall_id, open(&erp, &[("A", "a")]).await.unwrap().recall_id);
    close(&erp, &bad, false).await.unwrap();
    close(&erp, &doubt, true).await.unwrap();
    assert_eq!(trace(&erp, "A", "a").await.lots[0].status(), LotStatus::Blocked, "one of them was no false alarm");
    erp.balanced().await;
}

#[tokio::test]
async fn recalls_are_listed_newest_first_and_bad_ones_refused() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 5, "1", "a")]).await;
    for _ in 0..3 {
        open(&erp, &[("A", "a")]).await.unwrap();
    }
    let list = async |state: RecallState, page_token: String| {
        let page = Some(PageRequest { page_size: 2, page_token });
        erp.recalls().list_recalls(ListRecallsRequest { page, state: state.into() }).await.unwrap().into_inner()
    };
    let first = list(RecallState::Unspecified, String::new()).await;
    assert_eq!(first.recalls.iter().map(|one| one.number).collect::<Vec<_>>(), [3, 2]);
    close(&erp, &first.recalls[1].recall_id, false).await.unwrap();
    let next = list(RecallState::Unspecified, first.page.unwrap().next_page_token).await;
    assert_eq!(next.recalls.iter().map(|one| one.number).collect::<Vec<_>>(), [1]);
    let open_ones = list(RecallState::Open, String::new()).await;
    assert_eq!(open_ones.recalls.iter().map(|one| one.number).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(list(RecallState::Closed, String::new()).await.recalls.len(), 1);

    assert_eq!(open(&erp, &[("A", "zzz")]).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(fields(&open(&erp, &[("A", "")]).await.unwrap_err()), ["lots[0].lot"]);
    let both = OpenRecallRequest { supplier_lot: "s".into(), ..of_lots(&[("A", "a")]) };
    assert_eq!(fields(&erp.recalls().open_recall(both).await.unwrap_err()), ["lots"]);
    let unknown = service::new_id().to_string();
    let request = GetRecallRequest { recall_id: unknown.clone() };
    assert_eq!(erp.recalls().get_recall(request).await.unwrap_err().code(), Code::NotFound);
    let request = ListRecallOrdersRequest { recall_id: unknown.clone(), ..ListRecallOrdersRequest::default() };
    assert_eq!(erp.recalls().list_recall_orders(request).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(close(&erp, &unknown, false).await.unwrap_err().code(), Code::NotFound);
}

async fn place_and_ship(erp: &Erp, ids: &[Uuid]) {
    let events: Vec<_> = ids.iter().zip(1..).map(|(id, n)| placed(order(*id, n, vec![line(1, "A", 1)]))).collect();
    for (events, ids) in events.chunks(500).zip(ids.chunks(500)) {
        erp.deliver(events).await;
        let order_ids = ids.iter().map(Uuid::to_string).collect();
        let request = ShipOrdersRequest { request_id: key(), order_ids, ..ShipOrdersRequest::default() };
        erp.fulfilment().ship_orders(request).await.unwrap();
    }
}

#[tokio::test]
async fn a_thousand_orders_are_told_in_parts_and_closed_part_by_part() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 2000, "1", "a")]).await;
    let ids: Vec<_> = (0..1001).map(|_| service::new_id()).collect();
    place_and_ship(&erp, &ids).await;
    let recall = open(&erp, &[("A", "a")]).await.unwrap();
    assert_eq!(recall.order_count, 1001);
    let mut named = BTreeSet::new();
    for (part, fact) in (1..).zip(erp.facts("recall_opened").await) {
        let Event::RecallOpened(fact) = fact else { panic!("{fact:?}") };
        assert_eq!((fact.part, fact.parts, fact.lots.len()), (part, 3, usize::from(part == 1)));
        assert!(fact.order_ids.len() <= 500 && fact.order_ids.len() == usize::try_from(fact.order_count).unwrap());
        named.extend(fact.order_ids);
    }
    assert_eq!(named, ids.iter().map(Uuid::to_string).collect());
    assert_eq!(orders(&erp, &recall.recall_id, true).await.len(), 1001);
    close(&erp, &recall.recall_id, false).await.unwrap();
    assert_eq!(
        erp.told(&recall.recall_id).await,
        ["recall_opened", "recall_opened", "recall_opened", "recall_closed", "recall_closed", "recall_closed"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_lot_leaves_after_its_recall_has_answered() {
    let erp = Erp::start().await;
    erp.know(&["A", "BOX"]).await;
    erp.receive(&[goods("A", 150, "1", "bad")]).await;
    put(&erp, "BOX", &[("A", 1, 1)]).await.unwrap();
    let ids: Vec<_> = (0..80).map(|_| service::new_id()).collect();
    let out = async || -> i64 {
        let sum = "select coalesce(sum(quantity), 0)::int8 from stock_move m join lot l on l.id = m.lot_id
            where to_place in (2, 3) and l.number in ('bad', 'box')";
        sqlx::query_scalar(sum).fetch_one(erp.app.db.pool()).await.unwrap()
    };
    let sell = async |(n, id): (usize, &Uuid)| {
        erp.deliver(&[placed(order(*id, n as i64, vec![line(1, "A", 1), line(2, "BOX", 1)]))]).await;
        erp.ship(*id).await;
    };
    let make = async |_: usize| {
        let made = assemble(&erp, "BOX", 1, "box", Vec::new()).await;
        made.map_or_else(|refused| assert_eq!(reason(&refused), "OUT_OF_STOCK"), |_| ());
    };
    let recall = async |_: usize| {
        let recall = open(&erp, &[("A", "bad")]).await.unwrap();
        (recall, out().await)
    };
    let (_, _, recalls) = tokio::join!(
        join_all(ids.iter().enumerate().map(sell)),
        join_all((0..30).map(make)),
        join_all((0..3).map(recall)),
    );
    let last = out().await;
    for (recall, then) in recalls {
        assert_eq!(then, last, "recall {}", recall.number);
    }
    assert_eq!((erp.figures("A").await[2].as_str(), erp.figures("BOX").await[2].as_str()), ("0", "0"));
    assert!(trace(&erp, "A", "bad").await.balanced);
    erp.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_of_a_lot_while_its_recall_waits_is_recalled_too() {
    let erp = Erp::start().await;
    erp.know(&["A", "BOX"]).await;
    erp.receive(&[goods("A", 5, "1", "bad")]).await;
    put(&erp, "BOX", &[("A", 1, 1)]).await.unwrap();
    let mut somebody = erp.app.db.begin().await.unwrap();
    sqlx::query("select from stock_item where sku = 'A' for update").execute(&mut *somebody).await.unwrap();
    let waiting = async |count: i64| {
        testkit::eventually("they wait for the item", async || {
            let waiting = "select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'";
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(erp.app.db.pool()).await.unwrap() == count
        })
        .await;
    };
    let recalling = async {
        waiting(1).await;
        open(&erp, &[("A", "bad")]).await.unwrap()
    };
    let releasing = async {
        waiting(2).await;
        somebody.commit().await.unwrap();
    };
    let (made, recall, ()) = tokio::join!(assemble(&erp, "BOX", 3, "box", Vec::new()), recalling, releasing);
    made.unwrap();
    assert_eq!(recall.lots.iter().map(|lot| lot.lot.as_str()).collect::<Vec<_>>(), ["bad", "box"]);
    assert_eq!((erp.figures("A").await[2].as_str(), erp.figures("BOX").await[2].as_str()), ("0", "0"));
    assert_eq!(erp.told(&recall.recall_id).await, ["recall_opened"], "tried twice, opened once");
    erp.balanced().await;
}
