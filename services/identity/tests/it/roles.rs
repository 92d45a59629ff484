use proto::identity::v1::role_service_client::RoleServiceClient;
use proto::identity::v1::{
    CreateRoleRequest, DeleteRoleRequest, ListPermissionsRequest, ListRolesRequest, Role, UpdateRoleRequest,
};
use tonic::Code;

use super::*;

fn roles(app: &TestService) -> RoleServiceClient<TestChannel> {
    RoleServiceClient::new(app.client_as("root", &["*"]))
}

fn role(code: &str, permissions: &[&str]) -> CreateRoleRequest {
    let permissions = permissions.iter().map(|&permission| permission.to_owned()).collect();
    CreateRoleRequest { code: code.to_owned(), title: format!("Role {code}"), permissions }
}

async fn list(app: &TestService) -> Vec<Role> {
    roles(app).list_roles(ListRolesRequest {}).await.unwrap().into_inner().roles
}

#[tokio::test]
async fn every_seeded_permission_is_one_that_an_rpc_asks_for() {
    let app = start().await;
    let permissions = roles(&app).list_permissions(ListPermissionsRequest {}).await.unwrap().into_inner().permissions;
    assert!(permissions.iter().any(|permission| permission.permission == "identity.role.read"));
    for role in list(&app).await {
        for held in &role.permissions {
            let known = permissions.iter().any(|permission| service::auth::covers(held, &permission.permission));
            assert!(known, "{} holds {held}, which nothing asks for", role.code);
        }
    }
}

#[tokio::test]
async fn a_role_is_created_changed_and_deleted() {
    let app = start().await;
    let made = roles(&app).create_role(role("buyer", &["erp.*", "erp.*", "orders.order.read"])).await.unwrap();
    let made = made.into_inner().role.unwrap();
    assert_eq!((made.permissions, made.version), (vec!["erp.*".to_owned(), "orders.order.read".to_owned()], 1));
    let exists = roles(&app).create_role(role("buyer", &["erp.*"])).await.unwrap_err();
    assert_eq!(reason(&exists), "ROLE_EXISTS");
    let update = |version| UpdateRoleRequest {
        code: "buyer".into(),
        version,
        title: "Buyer".into(),
        permissions: vec!["erp.stock.read".into()],
    };
    assert_eq!(roles(&app).update_role(update(1)).await.unwrap().into_inner().role.unwrap().version, 2);
    let lost = roles(&app).update_role(update(1)).await.unwrap_err();
    assert_eq!((lost.code(), reason(&lost).as_str()), (Code::Aborted, "VERSION_CONFLICT"));
    roles(&app).delete_role(DeleteRoleRequest { code: "buyer".into() }).await.unwrap();
    let gone = roles(&app).delete_role(DeleteRoleRequest { code: "buyer".into() }).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn made_up_permissions_and_bad_codes_are_refused() {
    let app = start().await;
    let refused = roles(&app).create_role(role("buyer", &["erp.*", "erp.money.print", "public"])).await.unwrap_err();
    assert_eq!(fields(&refused), ["permissions[1]", "permissions[2]"]);
    let refused = roles(&app).create_role(role("Buyer!", &[])).await.unwrap_err();
    assert_eq!(fields(&refused), ["code", "permissions"]);
    let odd = roles(&app).delete_role(DeleteRoleRequest { code: "a\0b".into() }).await.unwrap_err();
    assert_eq!(odd.code(), Code::NotFound);
}

#[tokio::test]
async fn seeded_roles_stay_and_held_roles_are_not_deleted() {
    let app = start().await;
    let built_in = roles(&app).delete_role(DeleteRoleRequest { code: "editor".into() }).await.unwrap_err();
    assert_eq!(reason(&built_in), "ROLE_BUILT_IN");
    let weaken = UpdateRoleRequest {
        code: "administrator".into(),
        version: 0,
        title: "Nobody".into(),
        permissions: vec!["orders.order.read".into()],
    };
    assert_eq!(reason(&roles(&app).update_role(weaken).await.unwrap_err()), "ROLE_BUILT_IN");
    roles(&app).create_role(role("buyer", &["erp.*"])).await.unwrap();
    settled(&app, "anna", &["buyer"]).await;
    let held = roles(&app).delete_role(DeleteRoleRequest { code: "buyer".into() }).await.unwrap_err();
    assert_eq!(reason(&held), "ROLE_IN_USE");
}

#[tokio::test]
async fn a_role_beyond_the_caller_is_not_made_widened_or_emptied() {
    let app = start().await;
    let mut limited = RoleServiceClient::new(app.client_as("hr", &["identity.*"]));
    let widen = UpdateRoleRequest {
        code: "operator".into(),
        title: "Operator".into(),
        permissions: vec!["identity.*".into()],
        ..Default::default()
    };
    for refused in
        [limited.create_role(role("boss", &["*"])).await.unwrap_err(), limited.update_role(widen).await.unwrap_err()]
    {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "ROLE_BEYOND_CALLER"));
    }
    limited.create_role(role("auditor", &["identity.audit.read"])).await.unwrap();
}
