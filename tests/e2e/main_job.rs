//! The main job: one order through the whole company.

use std::collections::HashMap;

use proto::erp::v1::{VerifyLedgerRequest, VerifyLedgerResponse};
use proto::tasks::v1::{ListTasksRequest, ListTasksResponse, Task};
use suite::bulk::fulfilment;
use suite::bulk::intake::{self, Pushed, Taken};
use suite::say::Progress;
use time::OffsetDateTime;

use crate::company::Company;

pub(crate) fn taken(pushed: &HashMap<String, Pushed>, external_id: &str) -> Taken {
    match &pushed[external_id] {
        Pushed::Taken(taken) => taken.clone(),
        Pushed::Refused(why) => panic!("{external_id} was refused: {why}"),
    }
}

async fn tasks_about(company: &Company, kind: &str, id: &str) -> Vec<Task> {
    let request =
        ListTasksRequest { subject_kind: kind.to_owned(), subject_id: id.to_owned(), ..ListTasksRequest::default() };
    let answer: ListTasksResponse =
        company.staff.call("shopfloor.tasks.v1.TaskService/ListTasks", &request).await.unwrap();
    answer.tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_pushed_over_http_travels_the_whole_company() {
    let company = Company::start("RUB").await;
    company.stocked("A", 10).await;
    company.stocked("B", 3).await;
    let orders = [company.order("1", "A", 2, "anna"), company.order("2", "B", 5, "anna")];
    let mut progress = Progress::new("orders", 2);
    let pushed = intake::push_orders(&company.staff, orders.clone().into_iter(), &mut progress).await.unwrap();
    let (first, second) = (taken(&pushed, "1"), taken(&pushed, "2"));
    company.quiet().await;

    // Reserved as far as there is stock, and whose order it is.
    let order = company.identified(&first.order_id).await.summary.unwrap();
    assert_eq!(order.fulfilment_state, "reserved");
    let waiting = company.identified(&second.order_id).await;
    assert_eq!(waiting.summary.clone().unwrap().fulfilment_state, "partially_reserved");
    assert_eq!(waiting.lines[0].backordered.clone().unwrap().value, "2");
    assert_eq!(waiting.summary.unwrap().customer_id, order.customer_id, "one address is one customer");
    let customer = company.customer(&order.customer_id).await;
    assert_eq!(customer.figures.clone().unwrap().placed_orders, 2);
    assert!(!customer.score.is_empty());

    // Somebody is told to assemble the one and to buy for the other.
    let assemble = tasks_about(&company, "order", &first.order_id).await;
    assert_eq!(
        assemble.iter().map(|t| (t.rule.as_str(), t.closed)).collect::<Vec<_>>(),
        [("order_to_assemble", false)]
    );
    let buy = tasks_about(&company, "product", "B").await;
    assert_eq!(buy.iter().map(|t| (t.rule.as_str(), t.closed)).collect::<Vec<_>>(), [("product_out_of_stock", false)]);

    // It leaves and arrives: margin is known, the task is done.
    let now = OffsetDateTime::now_utc();
    let due = [(first.order_id.clone(), now)];
    let left = fulfilment::ship(&company.staff, &due, 1, now, &mut progress).await.unwrap();
    let shipments: Vec<_> = left[0].shipments.iter().map(|id| (id.clone(), now)).collect();
    assert_eq!((shipments.len(), left[0].complete), (1, true));
    fulfilment::deliver(&company.staff, &shipments, 1, OffsetDateTime::now_utc(), &mut progress).await.unwrap();
    let backlog = company.quiet().await;
    assert_eq!(backlog.dead, 0);
    assert_eq!(company.get_order(&first.order_id).await.summary.unwrap().fulfilment_state, "delivered");
    assert!(tasks_about(&company, "order", &first.order_id).await[0].closed);
    let kpi = company.kpi().await;
    let figures = kpi.figures.unwrap();
    assert_eq!((figures.orders, kpi.customers), (2, 1));
    assert_eq!(figures.revenue.unwrap().amount, "700.00");
    // 200.00 holds 36.07 of VAT at 22 %; the two pieces cost 120.00.
    assert_eq!(figures.margin.unwrap().amount, "43.93");
    let ledger: VerifyLedgerResponse =
        company.staff.call("shopfloor.erp.v1.StockService/VerifyLedger", &VerifyLedgerRequest {}).await.unwrap();
    assert!(ledger.balanced);

    // The same push again is the same answer and changes nothing.
    let again = intake::push_orders(&company.staff, orders.into_iter(), &mut progress).await.unwrap();
    assert!(taken(&again, "1").duplicate && taken(&again, "1").order_id == first.order_id);
    company.quiet().await;
    assert_eq!(company.kpi().await.figures.unwrap().orders, 2);
    company.stop().await;
}
