use proto::common::v1::PageRequest;
use proto::identity::v1::audit_service_client::AuditServiceClient;
use proto::identity::v1::{ListAuditEntriesRequest, VerifyAuditTrailRequest, VerifyAuditTrailResponse};

use super::*;

fn audit(app: &TestService) -> AuditServiceClient<TestChannel> {
    AuditServiceClient::new(app.client(&["identity.audit.read"]))
}

async fn verify(app: &TestService, from_sequence: i64) -> VerifyAuditTrailResponse {
    audit(app).verify_audit_trail(VerifyAuditTrailRequest { from_sequence }).await.unwrap().into_inner()
}

#[tokio::test]
async fn what_was_done_is_found_by_who_and_what() {
    let app = start().await;
    let id = settled(&app, "anna", &["editor"]).await;
    let list = |request| async {
        let entries = audit(&app).list_audit_entries(request).await.unwrap().into_inner().entries;
        entries.into_iter().map(|entry| (entry.sequence, entry.actor, entry.action)).collect::<Vec<_>>()
    };
    let of_anna = list(ListAuditEntriesRequest { object_id: id.clone(), ..Default::default() }).await;
    let created = (1, "root".to_owned(), "employee.created".to_owned());
    assert_eq!(of_anna, [(2, id, "employee.password_changed".to_owned()), created.clone()]);
    assert_eq!(list(ListAuditEntriesRequest { actor: "root".into(), ..Default::default() }).await, [created]);
    let page = Some(PageRequest { page_size: 1, page_token: String::new() });
    assert_eq!(list(ListAuditEntriesRequest { page, ..Default::default() }).await.len(), 1);
    let odd = ListAuditEntriesRequest { actor: "a\0b".into(), ..Default::default() };
    assert_eq!(fields(&audit(&app).list_audit_entries(odd).await.unwrap_err()), ["actor"]);
}

#[tokio::test]
async fn concurrent_changes_make_one_unbroken_chain() {
    let app = start().await;
    let hiring = (0..10).map(|number| {
        let mut employees = employees(&app);
        let request = CreateEmployeeRequest {
            request_id: format!("r{number}"),
            login: format!("user{number}"),
            display_name: "User".into(),
            ..Default::default()
        };
        tokio::spawn(async move { employees.create_employee(request).await.unwrap() })
    });
    for hired in hiring.collect::<Vec<_>>() {
        hired.await.unwrap();
    }
    let checked = verify(&app, 0).await;
    assert!(checked.intact && checked.complete);
    assert_eq!(checked.checked_to, 10);
    assert_eq!(verify(&app, 5).await.checked_to, 10);
}

#[tokio::test]
async fn entries_cannot_be_changed_and_a_change_behind_the_databases_back_shows() {
    let app = start().await;
    for login in ["anna", "boris", "clara"] {
        hired(&app, login, &[]).await;
    }
    for statement in ["update audit_entry set actor = 'x'", "delete from audit_entry", "truncate audit_entry"] {
        assert!(sqlx::query(statement).execute(app.db.pool()).await.is_err(), "{statement}");
    }
    sqlx::query("alter table audit_entry disable trigger user").execute(app.db.pool()).await.unwrap();
    sqlx::query("update audit_entry set actor = 'somebody else' where sequence = 2")
        .execute(app.db.pool())
        .await
        .unwrap();
    let checked = verify(&app, 0).await;
    assert_eq!((checked.intact, checked.broken_at), (false, 2));
}
