//! Export, erasure, and who has looked.

use proto::crm::v1::privacy_service_client::PrivacyServiceClient;
use proto::crm::v1::{
    EraseCustomerRequest, ExportCustomerRequest, FindCustomersRequest, ListContactAccessesRequest,
    RecordContactRequest, RecordKind, UpdateCustomerRequest,
};
use testkit::TestService;
use tonic::Code;

use crate::support::*;

async fn customer(app: &TestService) -> String {
    let id = resolve(app, contact(order_id(1), "+79001234567", "ivan@example.ru")).await.customer_id;
    app.deliver(&[placed(order_id(1), days_ago(10), "3000.00")]).await.unwrap();
    let record = RecordContactRequest {
        request_id: "r1".to_owned(),
        customer_id: id.clone(),
        kind: RecordKind::Complaint.into(),
        note: "Иван Петров недоволен".to_owned(),
        ..RecordContactRequest::default()
    };
    contacts(app).record_contact(record).await.unwrap();
    id
}

#[tokio::test]
async fn everything_kept_of_a_person_is_handed_over() {
    let app = start().await;
    let customer_id = customer(&app).await;
    let export = privacy(&app).export_customer(ExportCustomerRequest { customer_id }).await.unwrap().into_inner();
    let card = export.customer.unwrap();
    assert_eq!((card.name.as_str(), card.contacts.len()), ("Иван Петров", 2));
    assert_eq!((export.orders.len(), export.orders[0].total.clone()), (1, rub("3000.00")));
    assert_eq!(export.records[0].note, "Иван Петров недоволен");
    assert!(!export.truncated);
}

#[tokio::test]
async fn an_erased_person_is_nowhere_but_the_figures_stay() {
    let app = start().await;
    let customer_id = customer(&app).await;
    let before = card(&app, &customer_id).await;
    let erase = EraseCustomerRequest { customer_id: customer_id.clone() };
    let erased = privacy(&app).erase_customer(erase.clone()).await.unwrap().into_inner();
    app.clock.advance(time::Duration::hours(1));
    assert_eq!(
        privacy(&app).erase_customer(erase).await.unwrap().into_inner(),
        erased,
        "erasing again changes nothing"
    );

    let after = card(&app, &customer_id).await;
    assert_eq!((after.name.as_str(), after.contacts.len(), after.erased_at), ("", 0, erased.erased_at));
    assert_eq!((after.figures, after.score, after.grade), (before.figures, before.score, before.grade));
    for needle in ["Петров", "петров", "9001234567", "ivan@example.ru"] {
        assert_eq!(tables_with(&app, needle).await, Vec::<String>::new(), "{needle}");
    }
    let find = FindCustomersRequest { phone: "+79001234567".to_owned(), ..FindCustomersRequest::default() };
    assert!(customers(&app).find_customers(find).await.unwrap().into_inner().customers.is_empty());
    let edit =
        UpdateCustomerRequest { customer_id: customer_id.clone(), name: Some("x".to_owned()), ..Default::default() };
    let refused = customers(&app).update_customer(edit).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CUSTOMER_ERASED"));
    let back = resolve(&app, contact(order_id(2), "+79001234567", "")).await;
    assert!(back.created && back.customer_id != customer_id, "a later order makes a new customer");
}

/// Tables of the whole database that hold a text anywhere, encoded messages included.
async fn tables_with(app: &TestService, needle: &str) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p')",
    )
    .fetch_all(app.db.pool())
    .await
    .unwrap();
    let hex: String = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut found = Vec::new();
    for table in tables {
        let sql = format!("select exists (select from \"{table}\" t where t::text like $1 or t::text like $2)");
        let there: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(format!("%{needle}%"))
            .bind(format!("%{hex}%"))
            .fetch_one(app.db.pool())
            .await
            .unwrap();
        if there {
            found.push(table);
        }
    }
    found
}

#[tokio::test]
async fn before_erasure_personal_data_is_in_its_tables_only() {
    let app = start().await;
    customer(&app).await;
    let mut names = tables_with(&app, "Петров").await;
    names.sort();
    assert_eq!(names, ["contact_record", "customer"]);
    assert_eq!(tables_with(&app, "9001234567").await, ["customer_contact"]);
}

#[tokio::test]
async fn each_look_at_contacts_is_written_down() {
    let app = start().await;
    let customer_id = customer(&app).await;
    card(&app, &customer_id).await;
    let find = FindCustomersRequest { email: "ivan@example.ru".to_owned(), ..FindCustomersRequest::default() };
    customers(&app).find_customers(find).await.unwrap();
    privacy(&app).export_customer(ExportCustomerRequest { customer_id: customer_id.clone() }).await.unwrap();
    let ask = ListContactAccessesRequest { page: None, customer_id: customer_id.clone() };
    let accesses = privacy(&app).list_contact_accesses(ask).await.unwrap().into_inner().accesses;
    let looks: Vec<_> = accesses.iter().map(|look| (look.caller.as_str(), look.purpose.as_str())).collect();
    assert_eq!(looks, [("tester", "export"), ("tester", "find"), ("tester", "card")]);
}

#[tokio::test]
async fn privacy_needs_its_permissions_and_a_known_customer() {
    let app = start().await;
    let customer_id = order_id(1).to_string();
    let export = ExportCustomerRequest { customer_id: customer_id.clone() };
    let erase = EraseCustomerRequest { customer_id: customer_id.clone() };
    let list = ListContactAccessesRequest { page: None, customer_id };
    for (permissions, code) in [(ALL, Code::NotFound), (&["crm.customer.read"][..], Code::PermissionDenied)] {
        let mut client = PrivacyServiceClient::new(app.client(permissions));
        assert_eq!(client.export_customer(export.clone()).await.unwrap_err().code(), code);
        assert_eq!(client.erase_customer(erase.clone()).await.unwrap_err().code(), code);
        assert_eq!(client.list_contact_accesses(list.clone()).await.unwrap_err().code(), code);
    }
    let bad = ExportCustomerRequest { customer_id: "x".to_owned() };
    assert_eq!(fields(&privacy(&app).export_customer(bad).await.unwrap_err()), ["customer_id"]);
}
