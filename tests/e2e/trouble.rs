//! Two copies of every service, and a broker that dies in the middle.

use std::collections::HashMap;

use suite::bulk::intake::{self, Pushed};
use suite::say::Progress;

use crate::company::Company;
use crate::main_job::taken;

/// Everything of these orders is in its place: reserved, counted once, nothing given up on.
async fn all_there(company: &Company, pushed: &HashMap<String, Pushed>, count: i64) {
    let ids: Vec<String> = pushed.keys().map(|external_id| taken(pushed, external_id).order_id).collect();
    assert_eq!(ids.len() as i64, count);
    for id in &ids {
        company.identified(id).await;
    }
    assert_eq!(company.quiet().await.dead, 0);
    for id in &ids {
        assert_eq!(company.get_order(id).await.summary.unwrap().fulfilment_state, "reserved");
    }
    let kpi = company.kpi().await;
    let figures = kpi.figures.unwrap();
    assert_eq!((figures.orders, figures.units.as_str(), kpi.customers), (count, count.to_string().as_str(), 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_copies_of_every_service_do_everything_once() {
    let company = Company::start("RUB").await;
    company.stocked("A", 1_000).await;
    let second = company.suite.another_copy().await.unwrap();
    let other = company.suite.staff_at(&format!("http://{}", second.http.unwrap())).unwrap();
    let orders: Vec<_> = (0..120).map(|n| company.order(&n.to_string(), "A", 1, &format!("buyer{}", n % 5))).collect();
    let (mut here, mut there) = (Progress::new("here", 120), Progress::new("there", 120));
    // Every order goes to both copies at the same time.
    let (one, two) = tokio::join!(
        intake::push_orders(&company.staff, orders.clone().into_iter(), &mut here),
        intake::push_orders(&other, orders.into_iter().rev(), &mut there)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    for external_id in one.keys() {
        let (a, b) = (taken(&one, external_id), taken(&two, external_id));
        assert_eq!(a.order_id, b.order_id);
        assert!(a.duplicate != b.duplicate, "exactly one of the two was the first");
    }
    all_there(&company, &one, 120).await;
    second.drain().await;
    company.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_taken_while_the_broker_is_dead_and_travel_on_when_it_is_back() {
    let company = Company::start("RUB").await;
    company.stocked("A", 1_000).await;
    let orders: Vec<_> = (0..60).map(|n| company.order(&n.to_string(), "A", 1, &format!("buyer{}", n % 5))).collect();
    let mut progress = Progress::new("orders", 60);
    let mut pushed = intake::push_orders(&company.staff, orders[..20].iter().cloned(), &mut progress).await.unwrap();
    let nats = company.suite.children.nats.clone();
    nats.kill().await.unwrap();
    pushed.extend(intake::push_orders(&company.staff, orders[20..40].iter().cloned(), &mut progress).await.unwrap());
    testkit::eventually("the broker is started again", async || nats.is_alive().await).await;
    pushed.extend(intake::push_orders(&company.staff, orders[40..].iter().cloned(), &mut progress).await.unwrap());
    all_there(&company, &pushed, 60).await;
    company.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_killed_in_the_middle_loses_no_order_that_was_answered() {
    let company = Company::start("RUB").await;
    company.stocked("A", 1_000).await;
    let orders: Vec<_> = (0..60).map(|n| company.order(&n.to_string(), "A", 1, &format!("buyer{}", n % 5))).collect();
    let mut progress = Progress::new("orders", 60);
    let mut pushed = intake::push_orders(&company.staff, orders[..30].iter().cloned(), &mut progress).await.unwrap();
    company.suite.children.postgres.kill().await.unwrap();
    // Pushed again and again until the database is back.
    pushed.extend(intake::push_orders(&company.staff, orders[30..].iter().cloned(), &mut progress).await.unwrap());
    all_there(&company, &pushed, 60).await;
    company.stop().await;
}
