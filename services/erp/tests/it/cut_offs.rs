//! What must leave by when, and in which order it is worked on.

use proto::{
    common::v1::PageRequest,
    erp::v1::{
        CutOffDay, CutOffs, FulfilmentQueue, ListCutOffsRequest, ListFulfilmentQueueRequest, QueueEntry,
        SetCutOffsRequest,
    },
};
use testkit::START;
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use crate::kit::{Erp, fields, goods, line, order, placed, reason};

fn week(delivery_method: &str, region: &str, days: &[(i32, &str)]) -> SetCutOffsRequest {
    let day = |(weekday, time): &(i32, &str)| CutOffDay { weekday: *weekday, time: (*time).into() };
    let cut_offs = CutOffs {
        warehouse: "MAIN".into(),
        delivery_method: delivery_method.into(),
        region: region.into(),
        days: days.iter().map(day).collect(),
    };
    SetCutOffsRequest { cut_offs: Some(cut_offs) }
}

async fn set(erp: &Erp, request: SetCutOffsRequest) {
    erp.cut_offs().set_cut_offs(request).await.unwrap();
}

async fn to_pick(erp: &Erp, request: ListFulfilmentQueueRequest) -> Vec<QueueEntry> {
    let request = ListFulfilmentQueueRequest { queue: FulfilmentQueue::ToPick.into(), ..request };
    erp.fulfilment().list_fulfilment_queue(request).await.unwrap().into_inner().entries
}

async fn leaves(erp: &Erp, id: Uuid) -> Option<OffsetDateTime> {
    let entries = to_pick(erp, ListFulfilmentQueueRequest::default()).await;
    let entry = entries.into_iter().find(|entry| entry.order_id == id.to_string()).unwrap();
    entry.leave_by.as_ref().and_then(proto::from_timestamp)
}

#[tokio::test]
async fn an_order_ready_before_the_cut_off_leaves_the_same_day_a_later_one_with_the_next_departure() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "1", "L")]).await;
    // Monday noon in Moscow.
    assert_eq!(START, datetime!(2026-03-02 12:00 +3));
    set(&erp, week("courier", "", &[(1, "12:01"), (3, "09:30"), (1 + 4, "18:00")])).await;
    let first = erp.place(1, vec![line(1, "A", 1)]).await;
    assert_eq!(leaves(&erp, first).await, Some(datetime!(2026-03-02 12:01 +3)));
    erp.app.clock.advance(Duration::minutes(1));
    let second = erp.place(2, vec![line(1, "A", 1)]).await;
    assert_eq!(leaves(&erp, second).await, Some(datetime!(2026-03-04 09:30 +3)), "at the cut-off it is too late");
    assert_eq!(leaves(&erp, first).await, Some(datetime!(2026-03-02 12:01 +3)), "what was ready in time stays due");
    erp.app.clock.set(datetime!(2026-03-07 10:00 +3));
    let third = erp.place(3, vec![line(1, "A", 1)]).await;
    assert_eq!(leaves(&erp, third).await, Some(datetime!(2026-03-09 12:01 +3)), "over the week's end");

    set(&erp, week("courier", "RU-MOW", &[(6, "11:00")])).await;
    assert_eq!(leaves(&erp, third).await, Some(datetime!(2026-03-07 11:00 +3)), "the region's own week counts");
    set(&erp, week("courier", "RU-MOW", &[])).await;
    set(&erp, week("courier", "", &[])).await;
    assert_eq!(leaves(&erp, third).await, None, "no cut-off");
    set(&erp, week("", "", &[(7, "08:00")])).await;
    assert_eq!(leaves(&erp, third).await, Some(datetime!(2026-03-08 08:00 +3)));
    let listed = erp.cut_offs().list_cut_offs(ListCutOffsRequest {}).await.unwrap().into_inner().cut_offs;
    assert_eq!(listed, [week("", "", &[(7, "08:00")]).cut_offs.unwrap()]);
}

#[tokio::test]
async fn malformed_weeks_are_refused_and_change_nothing() {
    let erp = Erp::start().await;
    let refused = async |request| erp.cut_offs().set_cut_offs(request).await.unwrap_err();
    assert_eq!(fields(&refused(SetCutOffsRequest::default()).await), ["cut_offs"]);
    let bad = week("courier", "", &[(0, "10:00"), (1, "24:00"), (1, "10:00")]);
    let wrong = ["cut_offs.days[0].weekday", "cut_offs.days[1].time", "cut_offs.days[2].weekday"];
    assert_eq!(fields(&refused(bad).await), wrong);
    let mut elsewhere = week("", "", &[(1, "10:00")]);
    elsewhere.cut_offs.as_mut().unwrap().warehouse = "MOON".into();
    assert_eq!(reason(&refused(elsewhere).await), "UNKNOWN_WAREHOUSE");
    let listed = erp.cut_offs().list_cut_offs(ListCutOffsRequest {}).await.unwrap().into_inner().cut_offs;
    assert!(listed.is_empty());
}

#[tokio::test]
async fn the_queue_goes_by_cut_off_then_priority_then_time_and_is_filtered_by_all_of_them() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 50, "1", "L"), goods("B", 1, "1", "L")]).await;
    set(&erp, week("courier", "", &[(1, "18:00")])).await;
    set(&erp, week("post", "", &[(1, "15:00")])).await;
    let place = async |n: i64, method: &str, priority: i32, lines| {
        let id = service::new_id();
        let order = order(id, n, lines);
        let order = proto::orders::v1::OrderPlaced { delivery_method: method.into(), priority, ..order };
        erp.deliver(&[placed(order)]).await;
        id.to_string()
    };
    let one = |sku| vec![line(1, sku, 1)];
    let late = place(1, "courier", 0, one("A")).await;
    let urgent = place(2, "courier", 5, one("A")).await;
    let post = place(3, "post", 0, one("A")).await;
    let never = place(4, "pigeon", 9, one("A")).await;
    let partial = place(5, "courier", 0, vec![line(1, "A", 1), line(2, "B", 2)]).await;
    let ids = async |request| -> Vec<String> {
        to_pick(&erp, request).await.into_iter().map(|entry| entry.order_id).collect()
    };
    let all = ListFulfilmentQueueRequest::default();
    assert_eq!(ids(all.clone()).await, [&post, &urgent, &late, &partial, &never].map(String::clone));
    let complete = ListFulfilmentQueueRequest { complete_only: true, ..all.clone() };
    assert_eq!(ids(complete).await, [&post, &urgent, &late, &never].map(String::clone));
    let before = ListFulfilmentQueueRequest {
        leaves_before: Some(proto::to_timestamp(datetime!(2026-03-02 16:00 +3))),
        ..all.clone()
    };
    assert_eq!(ids(before).await, std::slice::from_ref(&post));
    let by_method = ListFulfilmentQueueRequest { delivery_method: "pigeon".into(), ..all.clone() };
    assert_eq!(ids(by_method).await, std::slice::from_ref(&never));
    let elsewhere = ListFulfilmentQueueRequest { warehouse: "MOON".into(), ..all.clone() };
    assert!(ids(elsewhere).await.is_empty());

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token });
        let request = ListFulfilmentQueueRequest { page, queue: FulfilmentQueue::ToPick.into(), ..all.clone() };
        let answer = erp.fulfilment().list_fulfilment_queue(request).await.unwrap().into_inner();
        seen.extend(answer.entries.into_iter().map(|entry| entry.order_id));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [post, urgent, late, partial, never]);
}
