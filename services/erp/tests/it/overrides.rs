//! Decisions of people against the order of service.

use futures::future::join_all;
use proto::{
    common::v1::PageRequest,
    erp::v1::{
        CloseReservationRequest, ListOverridesRequest, LotStatus, MoveReservationRequest, PinLineRequest,
        ReservationOverride, SetPriorityRequest, UpsertWarehouseRequest,
    },
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::kit::{Erp, In, cancelled, fields, goods, key, line, order, placed, reason};

fn pin(order: Uuid, lot: &str, quantity: &str) -> PinLineRequest {
    PinLineRequest {
        request_id: key(),
        order_id: order.to_string(),
        line_no: 1,
        lot: lot.into(),
        quantity: quantity.into(),
        reason: "the buyer wants this one".into(),
        ..PinLineRequest::default()
    }
}

async fn pinned(erp: &Erp, request: PinLineRequest) -> Result<(), Status> {
    let answer = erp.overrides().pin_line(request.clone()).await?.into_inner();
    assert_eq!(erp.overrides().pin_line(request).await.unwrap().into_inner(), answer, "the same key pins once");
    Ok(())
}

fn give(from: Uuid, to: Uuid, quantity: &str) -> MoveReservationRequest {
    MoveReservationRequest {
        request_id: key(),
        order_id: from.to_string(),
        line_no: 1,
        to_order_id: to.to_string(),
        to_line_no: 1,
        quantity: quantity.into(),
        reason: "a promise to the hospital".into(),
        approved_by: "head of sales".into(),
    }
}

async fn moved(erp: &Erp, request: MoveReservationRequest) -> Result<(), Status> {
    let answer = erp.overrides().move_reservation(request.clone()).await?.into_inner();
    assert_eq!(
        erp.overrides().move_reservation(request).await.unwrap().into_inner(),
        answer,
        "the same key moves once"
    );
    Ok(())
}

async fn prioritised(erp: &Erp, order: Uuid, priority: i32) -> Result<(), Status> {
    let request = SetPriorityRequest {
        request_id: key(),
        order_id: order.to_string(),
        priority,
        reason: "urgent".into(),
        approved_by: String::new(),
    };
    let answer = erp.overrides().set_priority(request.clone()).await?.into_inner();
    assert_eq!(erp.overrides().set_priority(request).await.unwrap().into_inner(), answer);
    Ok(())
}

async fn overrides(erp: &Erp, order: Uuid) -> Vec<ReservationOverride> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 1, page_token });
        let request = ListOverridesRequest { page, order_id: order.to_string() };
        let answer = erp.overrides().list_overrides(request).await.unwrap().into_inner();
        all.extend(answer.overrides);
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

#[tokio::test]
async fn a_line_is_pinned_to_a_lot_and_what_it_gave_back_goes_to_those_who_wait() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    let lot = |lot, expires_on| In { expires_on, ..goods("A", 4, "10", lot) };
    erp.receive(&[lot("early", "2027-01-01"), lot("late", "2028-01-01"), lot("expired", "2026-03-01")]).await;
    erp.receive(&[goods("A", 4, "10", "blocked")]).await;
    erp.set_lot("A", "blocked", LotStatus::Blocked).await.unwrap();
    let first = erp.place(1, vec![line(1, "A", 3)]).await;
    let second = erp.place(2, vec![line(1, "A", 3)]).await;
    let third = erp.place(3, vec![line(1, "A", 4)]).await;
    assert_eq!(erp.lots(second, 1).await, [("early".into(), "1".into()), ("late".into(), "2".into())]);
    assert_eq!(erp.has(third, 1).await, ("2".into(), "2".into()));

    let refused = pinned(&erp, pin(first, "late", "")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NOT_ENOUGH_STOCK"));
    for gone in ["expired", "blocked"] {
        assert_eq!(reason(&pinned(&erp, pin(first, gone, "1")).await.unwrap_err()), "NOT_ENOUGH_STOCK", "{gone}");
    }
    erp.deliver(&[cancelled(third)]).await;
    pinned(&erp, pin(first, "late", "2")).await.unwrap();
    assert_eq!(erp.lots(first, 1).await, [("early".into(), "1".into()), ("late".into(), "2".into())]);
    assert_eq!(erp.told(first).await, ["order_allocated", "order_allocated"]);
    let waits = erp.place(4, vec![line(1, "A", 3)]).await;
    assert_eq!(erp.lots(waits, 1).await, [("early".into(), "2".into())]);
    pinned(&erp, pin(second, "early", "1")).await.unwrap();
    assert_eq!(erp.lots(second, 1).await[0], ("early".into(), "1".into()), "it has that already");

    assert_eq!(reason(&pinned(&erp, pin(first, "late", "4")).await.unwrap_err()), "MORE_THAN_WANTED");
    assert_eq!(fields(&pinned(&erp, pin(first, "late", "0.5")).await.unwrap_err()), ["quantity"]);
    assert_eq!(fields(&pinned(&erp, pin(first, "late", "0")).await.unwrap_err()), ["quantity"]);
    assert_eq!(pinned(&erp, pin(first, "no such", "1")).await.unwrap_err().code(), Code::NotFound);
    let line_no = PinLineRequest { line_no: 9, ..pin(first, "late", "1") };
    assert_eq!(pinned(&erp, line_no).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(pinned(&erp, pin(service::new_id(), "late", "1")).await.unwrap_err().code(), Code::NotFound);
    let nowhere = PinLineRequest { place: "MARS".into(), ..pin(first, "late", "1") };
    assert_eq!(reason(&pinned(&erp, nowhere).await.unwrap_err()), "UNKNOWN_PLACE");
    let aside = PinLineRequest { place: "MAIN/QUARANTINE".into(), ..pin(waits, "late", "1") };
    assert_eq!(reason(&pinned(&erp, aside).await.unwrap_err()), "NOT_ENOUGH_STOCK");
    assert_eq!(reason(&pinned(&erp, pin(third, "late", "1")).await.unwrap_err()), "CANCELLED");

    let [kept] = overrides(&erp, first).await.try_into().unwrap();
    assert_eq!((kept.kind.as_str(), kept.line_no, kept.sku.as_str(), kept.lot.as_str()), ("pin", 1, "A", "late"));
    assert_eq!((kept.quantity.as_str(), kept.reason.as_str()), ("2", "the buyer wants this one"));
    assert!(!kept.done_by.is_empty() && kept.done_at == Some(proto::to_timestamp(erp.now())));
    erp.balanced().await;
}

#[tokio::test]
async fn goods_are_moved_from_one_order_to_another_that_waits_with_an_approver_who_is_somebody_else() {
    let erp = Erp::start().await;
    let request = UpsertWarehouseRequest { code: "SPB".into(), name: "SPB".into(), min_life_days: 0 };
    erp.warehouses().upsert_warehouse(request).await.unwrap();
    erp.know(&["A", "B"]).await;
    erp.receive(&[goods("A", 5, "10", "L")]).await;
    let rich = erp.place(1, vec![line(1, "A", 5)]).await;
    let poor = erp.place(2, vec![line(1, "A", 3), line(2, "B", 1)]).await;
    moved(&erp, give(rich, poor, "2")).await.unwrap();
    assert_eq!((erp.has(rich, 1).await, erp.has(poor, 1).await), (("3".into(), "2".into()), ("2".into(), "1".into())));
    assert_eq!(erp.told(poor).await.len(), 2);
    assert_eq!(erp.told(rich).await.len(), 2);

    assert_eq!(reason(&moved(&erp, give(rich, poor, "2")).await.unwrap_err()), "MORE_THAN_WANTED");
    assert_eq!(reason(&moved(&erp, give(poor, rich, "3")).await.unwrap_err()), "MORE_THAN_WANTED");
    erp.pick(poor).await;
    assert_eq!(reason(&moved(&erp, give(poor, rich, "1")).await.unwrap_err()), "NOT_ENOUGH_RESERVED", "it is picked");
    let other = MoveReservationRequest { to_line_no: 2, ..give(rich, poor, "1") };
    assert_eq!(reason(&moved(&erp, other).await.unwrap_err()), "OTHER_ITEM");
    let far = service::new_id();
    let mut there = order(far, 3, vec![line(1, "A", 3)]);
    there.warehouse = "SPB".into();
    erp.deliver(&[placed(there)]).await;
    assert_eq!(reason(&moved(&erp, give(rich, far, "1")).await.unwrap_err()), "OTHER_WAREHOUSE");
    assert_eq!(moved(&erp, give(rich, service::new_id(), "1")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(fields(&moved(&erp, give(rich, rich, "1")).await.unwrap_err()), ["to_line_no"]);
    assert_eq!(fields(&moved(&erp, give(rich, poor, "0.5")).await.unwrap_err()), ["quantity"]);
    let unnamed = MoveReservationRequest { approved_by: String::new(), ..give(rich, poor, "1") };
    assert_eq!(fields(&moved(&erp, unnamed).await.unwrap_err()), ["approved_by"]);
    let channel = erp.app.client_as("clerk", &["erp.reservation.override"]);
    let mut clerk = proto::erp::v1::reservation_override_service_client::ReservationOverrideServiceClient::new(channel);
    let own = MoveReservationRequest { approved_by: "clerk".into(), ..give(rich, poor, "1") };
    assert_eq!(reason(&clerk.move_reservation(own).await.unwrap_err()), "SAME_PERSON");
    erp.deliver(&[cancelled(far)]).await;
    assert_eq!(reason(&moved(&erp, give(rich, far, "1")).await.unwrap_err()), "CANCELLED");
    let request = CloseReservationRequest { order_id: rich.to_string() };
    erp.reservations().close_reservation(request).await.unwrap();
    assert_eq!(reason(&moved(&erp, give(rich, poor, "1")).await.unwrap_err()), "CLOSED");

    let kept = overrides(&erp, poor).await;
    assert_eq!(kept, overrides(&erp, rich).await, "both sides show it");
    assert_eq!((kept.len(), kept[0].kind.as_str(), kept[0].to_order_id.clone()), (1, "move", poor.to_string()));
    assert_eq!((kept[0].approved_by.as_str(), kept[0].quantity.as_str()), ("head of sales", "2"));
    erp.balanced().await;
}

#[tokio::test]
async fn a_changed_priority_counts_for_the_next_goods_and_takes_from_nobody() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 3, "10", "L")]).await;
    let has = erp.place(1, vec![line(1, "A", 3)]).await;
    let second = erp.place(2, vec![line(1, "A", 2)]).await;
    let third = erp.place(3, vec![line(1, "A", 2)]).await;
    prioritised(&erp, third, 7).await.unwrap();
    assert_eq!(erp.has(has, 1).await.0, "3");
    assert_eq!(erp.reservation(third).await.priority, 7);
    erp.receive(&[goods("A", 2, "10", "L")]).await;
    assert_eq!((erp.has(third, 1).await.0, erp.has(second, 1).await.0), ("2".into(), "0".into()));
    prioritised(&erp, third, -1).await.unwrap();
    let kept: Vec<_> = overrides(&erp, third).await.iter().map(|one| (one.from_priority, one.to_priority)).collect();
    assert_eq!(kept, [(0, 7), (7, -1)]);
    assert_eq!(fields(&prioritised(&erp, third, 1_000_001).await.unwrap_err()), ["priority"]);
    assert_eq!(prioritised(&erp, service::new_id(), 1).await.unwrap_err().code(), Code::NotFound);
    erp.deliver(&[cancelled(second)]).await;
    assert_eq!(reason(&prioritised(&erp, second, 1).await.unwrap_err()), "CANCELLED");
    erp.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_decisions_cancellations_and_receipts_at_once_neither_lose_nor_double_a_piece() {
    let erp = Erp::start().await;
    erp.know(&["A", "B"]).await;
    let lot = |sku, lot, expires_on| In { expires_on, ..goods(sku, 60, "10", lot) };
    erp.receive(&[lot("A", "L1", "2027-01-01"), lot("A", "L2", "2028-01-01"), lot("B", "L1", "2027-01-01")]).await;
    let ids: Vec<Uuid> = (0..80).map(|_| service::new_id()).collect();
    for (id, n) in ids.iter().zip(0..) {
        erp.deliver(&[placed(order(*id, n, vec![line(1, "A", 2), line(2, "B", 1)]))]).await;
    }
    let fair = ["NOT_ENOUGH_STOCK", "MORE_THAN_WANTED", "NOT_ENOUGH_RESERVED", "CANCELLED"];
    let decide = async |n: usize| {
        let (one, other) = (ids[n % 80], ids[(n * 37 + 11) % 80]);
        let done = match n % 5 {
            0 => erp.overrides().pin_line(pin(one, "L2", "1")).await.map(drop),
            1 => erp.overrides().move_reservation(give(one, other, "1")).await.map(drop),
            2 => prioritised(&erp, one, i32::try_from(n % 7).unwrap()).await,
            3 if n.is_multiple_of(3) => {
                erp.deliver(&[cancelled(one)]).await;
                Ok(())
            }
            _ => {
                erp.receive(&[goods("A", 1, "10", "L3"), goods("B", 1, "10", "L3")]).await;
                Ok(())
            }
        };
        done.unwrap_or_else(|refused| assert!(fair.contains(&reason(&refused).as_str()), "{refused:?}"));
    };
    join_all((0..300).filter(|n| (n * 37 + 11) % 80 != n % 80).map(decide)).await;
    erp.balanced().await;
    for sku in ["A", "B"] {
        let [on_hand, reserved, available, backordered] =
            erp.figures(sku).await.map(|text| text.parse::<i64>().unwrap());
        assert_eq!(on_hand, reserved + available);
        assert!(available == 0 || backordered == 0, "{sku}: {available} free while {backordered} wait");
    }
    for id in ids {
        erp.told(id).await;
    }
}
