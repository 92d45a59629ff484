//! Many orders in one walk.

use std::collections::BTreeMap;

use futures::future::join_all;
use proto::erp::v1::{
    BinPurpose, CancelWaveRequest, CreateWaveRequest, FulfilmentQueue, GetWaveRequest, ItemInput,
    ListFulfilmentQueueRequest, ListOpenWavesRequest, ListShipmentsRequest, ReportShortRequest, ReportShortResponse,
    ScanPickRequest, ScanPickResponse, ShipmentState, ShortReason, StartWaveRequest, UpsertItemsRequest, Wave,
    WaveState, erp_event::Event, wave_service_client::WaveServiceClient,
};
use rust_decimal::Decimal;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::bins::bin;
use crate::kit::{Erp, cancelled, fields, goods, key, line, lines_cancelled, order, pcs, placed, reason, value};

fn wanted() -> CreateWaveRequest {
    CreateWaveRequest { request_id: key(), ..CreateWaveRequest::default() }
}

async fn create(erp: &Erp, request: CreateWaveRequest) -> Result<Wave, Status> {
    let first = erp.waves().create_wave(request.clone()).await?.into_inner();
    assert_eq!(erp.waves().create_wave(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first.wave.unwrap())
}

async fn start(erp: &Erp, wave: &str) -> Result<Wave, Status> {
    let request = StartWaveRequest { request_id: key(), wave_id: wave.into() };
    let first = erp.waves().start_wave(request.clone()).await?.into_inner();
    assert_eq!(erp.waves().start_wave(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first.wave.unwrap())
}

async fn started(erp: &Erp) -> Wave {
    let wave = create(erp, wanted()).await.unwrap();
    start(erp, &wave.wave_id).await.unwrap()
}

async fn get(erp: &Erp, wave: &str) -> Wave {
    let request = GetWaveRequest { wave_id: wave.into() };
    erp.waves().get_wave(request).await.unwrap().into_inner().wave.unwrap()
}

async fn scan(erp: &Erp, wave: &str, at: (&str, &str, &str), quantity: i64) -> Result<ScanPickResponse, Status> {
    let request = ScanPickRequest {
        request_id: key(),
        wave_id: wave.into(),
        place: at.0.into(),
        item: at.1.into(),
        lot: at.2.into(),
        quantity: pcs(quantity),
    };
    let first = erp.waves().scan_pick(request.clone()).await?.into_inner();
    assert_eq!(erp.waves().scan_pick(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first)
}

async fn short(
    erp: &Erp,
    wave: &str,
    at: (&str, &str, &str),
    quantity: i64,
    reason: ShortReason,
) -> Result<ReportShortResponse, Status> {
    let request = ReportShortRequest {
        request_id: key(),
        wave_id: wave.into(),
        place: at.0.into(),
        item: at.1.into(),
        lot: at.2.into(),
        missing: pcs(quantity),
        reason: reason.into(),
    };
    let first = erp.waves().report_short(request.clone()).await?.into_inner();
    assert_eq!(erp.waves().report_short(request).await.unwrap().into_inner(), first, "repeated");
    Ok(first)
}

/// What is still to be taken, in the order of the walk: place, item, lot, tote, quantity.
fn left(wave: &Wave) -> Vec<(String, String, String, i32, String)> {
    let open = wave.lines.iter().filter(|line| line.quantity != line.taken);
    open.map(|line| {
        let left = value(&line.quantity).parse::<Decimal>().unwrap() - value(&line.taken).parse::<Decimal>().unwrap();
        (line.place.clone(), line.sku.clone(), line.lot.clone(), line.tote, left.to_string())
    })
    .collect()
}

fn at(place: &str, sku: &str, lot: &str, tote: i32, quantity: &str) -> (String, String, String, i32, String) {
    (place.into(), sku.into(), lot.into(), tote, quantity.into())
}

#[tokio::test]
async fn a_wave_is_picked_in_one_walk_into_totes_and_its_last_scan_finishes_it() {
    let erp = Erp::start().await;
    let item = |sku: &str, barcode: &str| ItemInput {
        sku: sku.into(),
        unit: "pcs".into(),
        barcode: barcode.into(),
        ..ItemInput::default()
    };
    let request = UpsertItemsRequest { request_id: key(), items: vec![item("X", "4600000000017"), item("Y", "")] };
    erp.items().upsert_items(request).await.unwrap();
    erp.shelves(&["B-1", "A-2", "A-1"]).await;
    erp.receive(&[goods("X", 5, "1", "x"), goods("Y", 5, "1", "y")]).await;
    erp.shelve("B-1", "X", "x", 5).await;
    erp.shelve("A-2", "Y", "y", 5).await;
    let first = erp.place(1, vec![line(1, "X", 2), line(2, "Y", 1)]).await;
    let second = erp.place(2, vec![line(1, "X", 1)]).await;
    let wave = started(&erp).await;
    let totes: Vec<_> = wave.orders.iter().map(|order| (order.tote, order.order_id.clone())).collect();
    assert_eq!(totes, [(1, first.to_string()), (2, second.to_string())]);
    assert_eq!(left(&wave), [at("A-2", "Y", "y", 1, "1"), at("B-1", "X", "x", 1, "2"), at("B-1", "X", "x", 2, "1")]);
    let Event::WaveStarted(fact) = erp.facts("wave_started").await.remove(0) else { panic!() };
    assert_eq!(fact.order_ids, [first.to_string(), second.to_string()]);
    assert_eq!(erp.told(first).await, ["order_allocated", "picking_started"]);

    let id = wave.wave_id;
    let refused = async |where_: (&str, &str, &str), quantity| {
        let status = scan(&erp, &id, where_, quantity).await.unwrap_err();
        (reason(&status), status.message().to_owned())
    };
    let (code, text) = refused(("A-2", "X", ""), 1).await;
    assert_eq!(code, "WRONG_PLACE");
    assert!(text.contains("B-1"), "{text}");
    assert_eq!(refused(("A-2", "Z", ""), 1).await.0, "WRONG_ITEM");
    assert_eq!(refused(("B-1", "X", "y"), 1).await.0, "WRONG_LOT");
    assert_eq!(refused(("B-1", "X", ""), 4).await.0, "OVER_PICK");
    assert_eq!(left(&get(&erp, &id).await).len(), 3, "a refusal changes nothing");

    let puts = scan(&erp, &id, ("B-1", "4600000000017", ""), 3).await.unwrap();
    let into: Vec<_> = puts.puts.iter().map(|put| (put.tote, value(&put.quantity), put.picked)).collect();
    assert_eq!(into, [(1, "2".to_owned(), false), (2, "1".to_owned(), true)]);
    assert_eq!(puts.lines_left, 1);
    assert_eq!(refused(("B-1", "X", ""), 1).await.0, "OVER_PICK");
    let last = scan(&erp, &id, ("A-2", "Y", "y"), 1).await.unwrap();
    assert!(last.puts[0].picked && last.lines_left == 0);
    let done = get(&erp, &id).await;
    assert_eq!(done.state(), WaveState::Done);
    assert!(done.orders.iter().all(|order| order.state() == ShipmentState::Picked));
    let open = erp.waves().list_open_waves(ListOpenWavesRequest::default()).await.unwrap().into_inner().waves;
    assert!(open.is_empty());
    erp.balanced().await;
}

#[tokio::test]
async fn the_walk_goes_by_the_route_of_the_bins_and_their_barcodes_are_scanned() {
    let erp = Erp::start().await;
    erp.know(&["X", "Y"]).await;
    erp.make_bins(vec![bin("A-1", 20, BinPurpose::Pick), bin("A-2", 10, BinPurpose::Pick)]).await.unwrap();
    erp.receive(&[goods("X", 5, "1", "x"), goods("Y", 5, "1", "y")]).await;
    erp.shelve("MAIN/A-1", "X", "x", 5).await;
    erp.shelve("MAIN/A-2", "Y", "y", 5).await;
    erp.place(1, vec![line(1, "X", 1), line(2, "Y", 1)]).await;
    let wave = started(&erp).await;
    assert_eq!(left(&wave), [at("MAIN/A-2", "Y", "y", 1, "1"), at("MAIN/A-1", "X", "x", 1, "1")]);
    assert_eq!(reason(&scan(&erp, &wave.wave_id, ("BC-A-1", "Y", ""), 1).await.unwrap_err()), "WRONG_PLACE");
    scan(&erp, &wave.wave_id, ("BC-A-2", "Y", ""), 1).await.unwrap();
    let last = scan(&erp, &wave.wave_id, ("BC-A-1", "X", ""), 1).await.unwrap();
    assert_eq!(last.lines_left, 0);
}

#[tokio::test]
async fn what_is_missing_is_replaced_at_once_or_short_and_the_last_tote_goes_short_first() {
    let erp = Erp::start().await;
    erp.know(&["X"]).await;
    erp.shelves(&["A-1", "B-1"]).await;
    erp.receive(&[goods("X", 4, "10", "one")]).await;
    erp.shelve("A-1", "X", "one", 4).await;
    let first = erp.place(1, vec![line(1, "X", 2)]).await;
    let second = erp.place(2, vec![line(1, "X", 2)]).await;
    let id = started(&erp).await.wave_id;
    erp.receive(&[goods("X", 1, "10", "two")]).await;
    erp.shelve("B-1", "X", "two", 1).await;
    scan(&erp, &id, ("A-1", "X", ""), 1).await.unwrap();
    let over = short(&erp, &id, ("A-1", "X", ""), 4, ShortReason::NotFound).await.unwrap_err();
    assert_eq!(reason(&over), "OVER_PICK", "what was taken cannot be missing");
    let answer = short(&erp, &id, ("A-1", "X", "one"), 2, ShortReason::NotFound).await.unwrap();
    assert_eq!(value(&answer.short), "1");
    assert_eq!(left(&answer.wave.unwrap()), [at("A-1", "X", "one", 1, "1"), at("B-1", "X", "two", 2, "1")]);
    assert_eq!(erp.has(first, 1).await, ("2".into(), "0".into()));
    assert_eq!(erp.has(second, 1).await, ("1".into(), "1".into()));
    assert_eq!(erp.figures("X").await, ["3", "3", "0", "1"]);

    let spoiled = short(&erp, &id, ("B-1", "X", ""), 1, ShortReason::Damaged).await.unwrap();
    let wave = spoiled.wave.unwrap();
    assert_eq!(wave.orders[1].state(), ShipmentState::Cancelled, "nothing of it is left");
    scan(&erp, &id, ("A-1", "X", ""), 1).await.unwrap();
    assert_eq!(get(&erp, &id).await.state(), WaveState::Done);
    assert_eq!(erp.worth("X").await, "30.00", "2 picked and 1 in quarantine");
    erp.balanced().await;
}

#[tokio::test]
async fn a_wave_takes_the_queue_as_far_as_its_limits_reach_and_each_order_once() {
    let erp = Erp::start().await;
    let item = |sku: &str, grams: &str| ItemInput {
        sku: sku.into(),
        unit: "pcs".into(),
        weight_grams: grams.into(),
        ..ItemInput::default()
    };
    let request = UpsertItemsRequest { request_id: key(), items: vec![item("A", "100"), item("B", "1000")] };
    erp.items().upsert_items(request).await.unwrap();
    erp.receive(&[goods("A", 20, "1", "L"), goods("B", 3, "1", "L")]).await;
    let light = erp.place(1, vec![line(1, "A", 2)]).await.to_string();
    let heavy = erp.place(2, vec![line(1, "B", 2), line(2, "A", 1)]).await.to_string();
    let partial = erp.place(3, vec![line(1, "B", 5)]).await.to_string();
    let small = erp.place(4, vec![line(1, "A", 1)]).await.to_string();
    let orders = |wave: Wave| wave.orders.into_iter().map(|order| order.order_id).collect::<Vec<_>>();
    let limited = CreateWaveRequest { max_weight_grams: "500".into(), ..wanted() };
    let wave = create(&erp, limited).await.unwrap();
    let planned = wave.wave_id.clone();
    assert_eq!(wave.state(), WaveState::Planned);
    assert_eq!(orders(wave), [light.clone(), small.clone()]);
    assert_eq!(orders(create(&erp, wanted()).await.unwrap()), std::slice::from_ref(&heavy), "the others are planned");
    assert_eq!(reason(&create(&erp, wanted()).await.unwrap_err()), "WAVE_EMPTY");
    let with_partial = CreateWaveRequest { include_partial: true, ..wanted() };
    assert_eq!(orders(create(&erp, with_partial).await.unwrap()), [partial]);
    let queue = FulfilmentQueue::ToPick.into();
    let request = ListFulfilmentQueueRequest { queue, ..ListFulfilmentQueueRequest::default() };
    let queue = erp.fulfilment().list_fulfilment_queue(request).await.unwrap().into_inner().entries;
    assert_eq!(queue.iter().filter(|entry| !entry.wave_id.is_empty()).count(), 4);

    let cancel = CancelWaveRequest { request_id: key(), wave_id: planned.clone() };
    let given_up = erp.waves().cancel_wave(cancel.clone()).await.unwrap().into_inner();
    assert_eq!(erp.waves().cancel_wave(cancel).await.unwrap().into_inner(), given_up);
    assert_eq!(given_up.wave.unwrap().state(), WaveState::Cancelled);
    assert_eq!(reason(&start(&erp, &planned).await.unwrap_err()), "WAVE_STATE");
    let one = CreateWaveRequest { order_ids: vec![small.clone()], ..wanted() };
    assert_eq!(orders(create(&erp, one).await.unwrap()), [small]);
    let few =
        CreateWaveRequest { max_lines: 1, region: "RU-MOW".into(), delivery_method: "courier".into(), ..wanted() };
    assert_eq!(orders(create(&erp, few).await.unwrap()), [light]);

    let bad = CreateWaveRequest {
        max_orders: 201,
        max_lines: -1,
        max_weight_grams: "0".into(),
        order_ids: vec!["x".into()],
        ..wanted()
    };
    let refused = erp.waves().create_wave(bad).await.unwrap_err();
    assert_eq!(fields(&refused), ["max_orders", "max_lines", "max_weight_grams", "order_ids[0]"]);
    let elsewhere = CreateWaveRequest { warehouse: "MOON".into(), ..wanted() };
    assert_eq!(reason(&create(&erp, elsewhere).await.unwrap_err()), "UNKNOWN_WAREHOUSE");
    let unknown = scan(&erp, &key(), ("A", "A", ""), 1).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let mut picker = WaveServiceClient::new(erp.app.client(&["erp.wave.pick"]));
    assert_eq!(picker.create_wave(wanted()).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_cancelled_order_leaves_its_wave() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 9, "1", "L")]).await;
    let early = erp.place(1, vec![line(1, "A", 1)]).await;
    let stays = erp.place(2, vec![line(1, "A", 3)]).await;
    let late = erp.place(3, vec![line(1, "A", 1)]).await;
    let wave = create(&erp, wanted()).await.unwrap().wave_id;
    let idle = scan(&erp, &wave, ("MAIN/DEFAULT", "A", ""), 1).await.unwrap_err();
    assert_eq!(reason(&idle), "WAVE_STATE");
    erp.deliver(&[cancelled(early)]).await;
    let begun = start(&erp, &wave).await.unwrap();
    assert_eq!(begun.orders[0].shipment_id, "", "it was cancelled before the start");
    let place = ("MAIN/DEFAULT", "A", "");
    scan(&erp, &wave, place, 2).await.unwrap();
    erp.deliver(&[cancelled(late)]).await;
    assert_eq!(left(&get(&erp, &wave).await), [at("MAIN/DEFAULT", "A", "L", 2, "1")]);
    erp.deliver(&[lines_cancelled(stays, &[(1, "A", 1)])]).await;
    let done = get(&erp, &wave).await;
    assert_eq!(done.orders[1].state(), ShipmentState::Picked, "what was left is not wanted any more");
    assert_eq!(done.state(), WaveState::Done);
    erp.balanced().await;
}

/// Plans a wave of at most thirty orders; none when no order is left.
async fn plan(erp: &Erp) -> Option<String> {
    let request = CreateWaveRequest { max_orders: 30, include_partial: true, ..wanted() };
    match erp.waves().create_wave(request).await {
        Ok(answer) => Some(answer.into_inner().wave.unwrap().wave_id),
        Err(refused) => {
            assert_eq!(reason(&refused), "WAVE_EMPTY", "{refused:?}");
            None
        }
    }
}

/// Walks a wave to its end, piece by piece; now and then one is missing or spoiled.
async fn walk(erp: &Erp, n: usize, id: &str) {
    let request = StartWaveRequest { request_id: key(), wave_id: id.into() };
    erp.waves().start_wave(request).await.unwrap();
    for round in 0.. {
        let open = left(&get(erp, id).await);
        if open.is_empty() {
            break;
        }
        assert!(round < 50, "the wave does not end: {open:?}");
        for (step, (place, sku, lot, ..)) in open.iter().enumerate() {
            let at = (place.as_str(), sku.as_str(), lot.as_str());
            let why = if n.is_multiple_of(2) { ShortReason::Damaged } else { ShortReason::NotFound };
            let result = if (step + n + round).is_multiple_of(9) {
                short(erp, id, at, 1, why).await.map(|_| ())
            } else {
                scan(erp, id, at, 1).await.map(|_| ())
            };
            if let Err(refused) = result {
                // Somebody cancelled it between our look and our hand.
                let honest = ["WRONG_PLACE", "WRONG_ITEM", "WRONG_LOT", "OVER_PICK", "SHIPMENT_STATE"];
                assert!(honest.contains(&reason(&refused).as_str()), "{refused:?}");
            }
        }
    }
}

/// What of each item was missed by pickers.
async fn missed(erp: &Erp) -> BTreeMap<String, Decimal> {
    let lost: Vec<(String, Decimal)> = sqlx::query_as(
        "select sku, sum(quantity) from stock_move where cause_kind = 'short_pick' and to_place = 5 group by sku",
    )
    .fetch_all(erp.app.db.pool())
    .await
    .unwrap();
    lost.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_orders_in_waves_with_cancels_and_shorts_lose_and_oversell_nothing() {
    const ORDERS: usize = 240;
    let erp = Erp::start().await;
    let skus = ["A", "B", "C"];
    erp.know(&skus).await;
    erp.shelves(&["P-1", "P-2"]).await;
    for sku in skus {
        erp.receive(&[goods(sku, 150, "3.33", "one"), goods(sku, 150, "4.44", "two")]).await;
        erp.shelve("P-1", sku, "one", 60).await;
        erp.shelve("P-2", sku, "two", 60).await;
    }
    let ids: Vec<Uuid> = (0..ORDERS).map(|_| service::new_id()).collect();
    let lines = |n: usize| vec![line(1, skus[n % 3], 1), line(2, skus[(n + 1) % 3], 1 + n as i64 % 2)];
    let events: Vec<_> = ids.iter().zip(1..).map(|(id, n)| placed(order(*id, n as i64, lines(n)))).collect();
    erp.deliver(&events).await;

    let waves: Vec<_> = join_all((0..10).map(|_| plan(&erp))).await.into_iter().flatten().collect();
    assert_eq!(waves.len(), 8, "240 orders, 30 a wave, none twice");
    let call_off = async |n: usize| match n % 2 {
        0 => erp.deliver(&[cancelled(ids[n])]).await,
        _ => erp.deliver(&[lines_cancelled(ids[n], &[(2, "", 1)])]).await,
    };
    tokio::join!(
        join_all(waves.iter().enumerate().map(|(n, id)| walk(&erp, n, id))),
        join_all((0..ORDERS).step_by(5).map(call_off)),
    );
    erp.balanced().await;

    let mut gone: BTreeMap<String, Decimal> = BTreeMap::new();
    for sku in skus {
        let stock = erp.stock_of(sku).await;
        let there: Decimal = stock.lots.iter().map(|lot| lot.on_hand.parse::<Decimal>().unwrap()).sum();
        gone.insert(sku.into(), Decimal::from(300) - there);
    }
    assert_eq!(gone, missed(&erp).await, "what is not there was missed by a picker, piece by piece");
    for id in &ids {
        let request = ListShipmentsRequest { order_id: id.to_string() };
        for shipment in erp.fulfilment().list_shipments(request).await.unwrap().into_inner().shipments {
            assert_ne!(shipment.state(), ShipmentState::Picking, "every wave was walked to its end");
        }
        erp.told(id).await;
    }
}
