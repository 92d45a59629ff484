use proto::identity::v1::{
    ChangePasswordRequest, RefreshSessionRequest, SignInRequest, SignInResponse, SignOutRequest, UpdateEmployeeRequest,
    WhoAmIRequest,
};
use service::Verifier;
use time::Duration;
use time::OffsetDateTime;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use super::*;

async fn sign_in(app: &TestService, login: &str, password: &str) -> Result<SignInResponse, Status> {
    let request = SignInRequest { login: login.to_owned(), password: password.to_owned() };
    auth(app).sign_in(request).await.map(Response::into_inner)
}

async fn sign_in_from(app: &TestService, login: &str, password: &str, source: &str) -> Result<SignInResponse, Status> {
    let mut request = Request::new(SignInRequest { login: login.to_owned(), password: password.to_owned() });
    request.metadata_mut().insert("x-forwarded-for", source.parse().unwrap());
    auth(app).sign_in(request).await.map(Response::into_inner)
}

async fn refresh(app: &TestService, token: &str) -> Result<proto::identity::v1::TokenPair, Status> {
    let request = RefreshSessionRequest { refresh_token: token.to_owned() };
    auth(app).refresh_session(request).await.map(|answer| answer.into_inner().tokens.unwrap())
}

#[tokio::test]
async fn a_sign_in_gives_a_token_that_every_service_understands() {
    let app = start().await;
    app.clock.set(OffsetDateTime::now_utc());
    let id = settled(&app, "anna", &["order_manager", "editor"]).await;
    let tokens = sign_in(&app, " ANNA ", PASSWORD).await.unwrap().tokens.unwrap();
    let caller = Verifier::new(&app.url, testkit::INTERNAL_SECRET).verify(&tokens.access_token).await.unwrap();
    assert_eq!((caller.id.as_str(), caller.kind), (id.as_str(), service::CallerKind::Employee));
    assert_eq!(caller.roles, ["editor", "order_manager"]);
    assert!(caller.may("orders.order.push") && caller.may("knowledge.page.read"));
    assert!(!caller.may("identity.employee.create") && !caller.may("erp.stock.adjust"));
    let lifetime = tokens.access_expires_at.unwrap().seconds - app.clock.now().unix_timestamp();
    assert_eq!(lifetime, 15 * 60);
}

#[tokio::test]
async fn a_one_time_password_must_be_changed_before_the_first_sign_in() {
    let app = start().await;
    let hired = hired(&app, "anna", &[]).await;
    let refused = sign_in(&app, "anna", &hired.one_time_password).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PASSWORD_CHANGE_REQUIRED"));
    let change = |old: &str, new: &str| ChangePasswordRequest {
        login: "anna".into(),
        old_password: old.into(),
        new_password: new.into(),
    };
    let weak = auth(&app).change_password(change(&hired.one_time_password, "short")).await.unwrap_err();
    assert_eq!(fields(&weak), ["new_password"]);
    auth(&app).change_password(change(&hired.one_time_password, PASSWORD)).await.unwrap();
    sign_in(&app, "anna", PASSWORD).await.unwrap();
    assert_eq!(sign_in(&app, "anna", &hired.one_time_password).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_wrong_password_an_unknown_login_and_a_deactivated_employee_get_the_same_answer() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let boris = settled(&app, "boris", &[]).await;
    let update = UpdateEmployeeRequest { employee_id: boris, active: Some(false), ..Default::default() };
    employees(&app).update_employee(update).await.unwrap();
    let mut answers = Vec::new();
    for (login, password) in [("anna", "wrong"), ("nobody", PASSWORD), ("boris", PASSWORD), ("ан\u{301}на", PASSWORD)]
    {
        let refused = sign_in(&app, login, password).await.unwrap_err();
        answers.push((refused.code(), refused.message().to_owned()));
    }
    answers.dedup();
    assert_eq!(answers, [(Code::Unauthenticated, "login or password is wrong".to_owned())]);
}

#[tokio::test]
async fn malformed_sign_ins_are_told_what_is_wrong() {
    let app = start().await;
    for (login, password) in
        [("", "x"), ("anna", ""), ("a\0b", "x"), (&"a".repeat(300), "x"), ("anna", &"x".repeat(300))]
    {
        let refused = sign_in(&app, login, password).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{login:?}");
        assert_eq!(fields(&refused).len(), 1);
    }
    assert_eq!(refresh(&app, "").await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(refresh(&app, "sfr_unknown").await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn guessing_is_slowed_for_the_guesser_and_not_for_the_owner() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let mut slowed = None;
    for _ in 0..10 {
        let refused = sign_in_from(&app, "anna", "wrong guess", "203.0.113.9").await.unwrap_err();
        if refused.code() == Code::ResourceExhausted {
            slowed = refused.get_details_retry_info().and_then(|info| info.retry_delay);
            break;
        }
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    assert!(slowed.unwrap() >= std::time::Duration::from_secs(1));
    // Even the right password must wait, or waiting would tell that it is right.
    let waiting = sign_in_from(&app, "anna", PASSWORD, "203.0.113.9").await.unwrap_err();
    assert_eq!(waiting.code(), Code::ResourceExhausted);
    sign_in_from(&app, "anna", PASSWORD, "198.51.100.7").await.unwrap();
    app.clock.advance(Duration::minutes(20));
    sign_in_from(&app, "anna", PASSWORD, "203.0.113.9").await.unwrap();
}

#[tokio::test]
async fn many_guesses_at_once_get_no_more_tries_than_one_after_another() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let guesses = (0..24).map(|guess| {
        let mut auth = auth(&app);
        let mut request = Request::new(SignInRequest { login: "anna".into(), password: format!("guess {guess}") });
        request.metadata_mut().insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
        tokio::spawn(async move { auth.sign_in(request).await.unwrap_err().code() })
    });
    let mut tried = 0;
    for guess in guesses.collect::<Vec<_>>() {
        match guess.await.unwrap() {
            Code::Unauthenticated => tried += 1,
            code => assert_eq!(code, Code::ResourceExhausted),
        }
    }
    assert!((5..=6).contains(&tried), "{tried} guesses were tried");
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let first = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap();
    let other = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap();
    let second = refresh(&app, &first.refresh_token).await.unwrap();
    let third = refresh(&app, &second.refresh_token).await.unwrap();
    assert_ne!(second.refresh_token, third.refresh_token);
    assert_eq!(refresh(&app, &first.refresh_token).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(
        refresh(&app, &third.refresh_token).await.unwrap_err().code(),
        Code::Unauthenticated,
        "the family is gone"
    );
    refresh(&app, &other.refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_can_be_asked_for_again_for_a_moment() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let first = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap();
    refresh(&app, &first.refresh_token).await.unwrap();
    app.clock.advance(Duration::seconds(10));
    let lost_too = refresh(&app, &first.refresh_token).await.unwrap();
    app.clock.advance(Duration::seconds(10));
    let arrived = refresh(&app, &first.refresh_token).await.unwrap();
    assert_ne!(lost_too.refresh_token, arrived.refresh_token);
    // What arrived has been used: from now on the old token is a stolen one.
    let next = refresh(&app, &arrived.refresh_token).await.unwrap();
    assert_eq!(refresh(&app, &first.refresh_token).await.unwrap_err().code(), Code::Unauthenticated);
    assert!(refresh(&app, &next.refresh_token).await.is_err(), "the session is over");
}

#[tokio::test]
async fn a_refresh_token_is_not_taken_again_after_the_moment_has_passed() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let first = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap();
    let second = refresh(&app, &first.refresh_token).await.unwrap();
    app.clock.advance(Duration::seconds(31));
    assert!(refresh(&app, &first.refresh_token).await.is_err());
    assert!(refresh(&app, &second.refresh_token).await.is_err(), "the session is over");
}

#[tokio::test]
async fn of_two_refreshes_at_once_the_last_answer_holds_and_the_other_is_a_theft() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let tokens = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap();
    let (one, other) = tokio::join!(refresh(&app, &tokens.refresh_token), refresh(&app, &tokens.refresh_token));
    let (one, other) = (one.unwrap().refresh_token, other.unwrap().refresh_token);
    let unused: Vec<Vec<u8>> = sqlx::query_scalar("select hash from refresh_token where used_at is null")
        .fetch_all(app.db.pool())
        .await
        .unwrap();
    assert_eq!(unused.len(), 1, "one token of a session works");
    // Whichever was replaced ends the session when it is presented; so one of the two ways round fails at once.
    let presented = [refresh(&app, &one).await, refresh(&app, &other).await];
    assert!(presented[1].is_err());
}

#[tokio::test]
async fn sessions_end_by_sign_out_by_time_and_by_a_new_password() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let signed_out = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap().refresh_token;
    for _ in 0..2 {
        auth(&app).sign_out(SignOutRequest { refresh_token: signed_out.clone() }).await.unwrap();
    }
    auth(&app).sign_out(SignOutRequest { refresh_token: "sfr_unknown".into() }).await.unwrap();
    assert!(refresh(&app, &signed_out).await.is_err());

    let expired = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap().refresh_token;
    app.clock.advance(Duration::days(15));
    assert!(refresh(&app, &expired).await.is_err());

    let replaced = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap().refresh_token;
    let change = ChangePasswordRequest {
        login: "anna".into(),
        old_password: PASSWORD.into(),
        new_password: "another long password".into(),
    };
    auth(&app).change_password(change).await.unwrap();
    assert!(refresh(&app, &replaced).await.is_err());
}

#[tokio::test]
async fn a_session_that_is_refreshed_for_ever_still_ends() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    let mut token = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap().refresh_token;
    let mut days = 0;
    while let Ok(next) = refresh(&app, &token).await {
        token = next.refresh_token;
        app.clock.advance(Duration::days(10));
        days += 10;
        assert!(days <= 100);
    }
    assert_eq!(days, 90);
}

#[tokio::test]
async fn who_am_i_says_what_the_token_says() {
    let app = start().await;
    let id = settled(&app, "anna", &[]).await;
    let mut client = AuthServiceClient::new(app.client_as(&id, &["orders.*"]));
    let me = client.who_am_i(WhoAmIRequest {}).await.unwrap().into_inner();
    assert_eq!((me.subject, me.kind.as_str(), me.login.as_str()), (id, "employee", "anna"));
    assert_eq!(me.permissions, ["orders.*"]);
    let refused = auth(&app).who_am_i(WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn the_first_administrator_is_made_once_and_can_do_everything() {
    let app = start().await;
    app.clock.set(OffsetDateTime::now_utc());
    let mut made = Vec::new();
    for _ in 0..2 {
        let mut tx = app.db.begin().await.unwrap();
        made.push(identity::bootstrap(&mut tx, app.clock.now()).await.unwrap());
        tx.commit().await.unwrap();
    }
    let one_time = made[0].clone().unwrap();
    assert_eq!(made[1], None);
    let change = ChangePasswordRequest {
        login: one_time.login.clone(),
        old_password: one_time.password,
        new_password: PASSWORD.into(),
    };
    auth(&app).change_password(change).await.unwrap();
    let tokens = sign_in(&app, &one_time.login, PASSWORD).await.unwrap().tokens.unwrap();
    let caller = Verifier::new(&app.url, testkit::INTERNAL_SECRET).verify(&tokens.access_token).await.unwrap();
    assert!(caller.may("identity.employee.create") && caller.may("anything.at.all"));
}

#[tokio::test]
async fn what_ended_long_ago_is_swept() {
    let app = start().await;
    settled(&app, "anna", &[]).await;
    sign_in(&app, "anna", PASSWORD).await.unwrap();
    app.clock.advance(Duration::days(60));
    let kept = sign_in(&app, "anna", PASSWORD).await.unwrap().tokens.unwrap().refresh_token;
    app.run_job("identity_sweep").await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from session").fetch_one(app.db.pool()).await.unwrap();
    assert_eq!(left, 1);
    refresh(&app, &kept).await.unwrap();
}
