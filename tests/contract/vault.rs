//! Branch keys: how often KMS is called, and what happens when it refuses, fails or does not
//! answer. The endpoint is that of `local`, and the faults are injected on the wire to it.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::Credentials;
use axum::Router;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use local::kms::{KEY_ID, Kms};
use sealing::{Location, SealingError, WrappedBranchKey};
use tests::Fault;
use tests::wire::Wire;
use tokio::net::TcpListener;
use uuid::Uuid;
use vault::{AGE_MAX, ENTRIES_MAX, Vault, VaultError};

const ENVIRONMENT: Uuid = Uuid::from_u128(0x0192_d3a4_5b6c_7d8e_9f00_1122_3344_5566);

const LOCATION: Location<'_> = Location {
    table: "connections",
    partition_key: b"ENV#1",
    sort_key: b"github#conn-1",
    attribute: "credentials",
};

const SECRET: &[u8] = b"hunter2";

const CORRUPT: VaultError = VaultError::Sealing(SealingError::Corrupt);

fn now() -> Timestamp {
    "2026-11-22T12:38:27.690Z".parse().expect("a moment")
}

/// A new container.
fn vault_at(url: &str, key_id: &str) -> Vault {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let client = local::kms::client(url, "us-east-1".to_owned(), credentials);
    Vault::new(client, key_id.to_owned())
}

fn vault(wire: &Wire) -> Vault {
    vault_at(&format!("http://{}", wire.address), KEY_ID)
}

/// KMS, the wire to it, and the first branch key of an environment.
async fn start() -> (Kms, Wire, [WrappedBranchKey; 1]) {
    let kms = Kms::start(None).await.expect("KMS");
    let wire = Wire::to(kms.address).await;
    let key = vault(&wire).create_branch_key(ENVIRONMENT, 1).await.expect("a branch key");
    assert_eq!(wire.calls(), ["GenerateDataKeyWithoutPlaintext"]);
    (kms, wire, [key])
}

async fn seal(vault: &Vault, keys: &[WrappedBranchKey]) -> Result<Vec<u8>, VaultError> {
    vault.seal(keys, &LOCATION, SECRET, now()).await
}

/// Seals in a container of its own, and discards the counted call.
async fn sealed(wire: &Wire, keys: &[WrappedBranchKey]) -> Vec<u8> {
    let sealed = seal(&vault(wire), keys).await.expect("sealed");
    wire.calls();
    sealed
}

async fn open(vault: &Vault, keys: &[WrappedBranchKey], sealed: &[u8]) -> Result<(), VaultError> {
    let opened = vault.open(keys, &LOCATION, sealed, now()).await?;
    assert_eq!(opened.expose(), SECRET);
    Ok(())
}

#[tokio::test]
async fn a_container_asks_once_for_what_fifty_others_wrote() {
    let (_kms, wire, keys) = start().await;
    let mut written = Vec::new();
    for _ in 0..50 {
        written.push(seal(&vault(&wire), &keys).await.expect("sealed"));
    }
    assert_eq!(wire.calls(), ["Decrypt"; 50]);
    let reader = vault(&wire);
    for sealed in written {
        open(&reader, &keys, &sealed).await.expect("opens");
    }
    assert_eq!(wire.calls(), ["Decrypt"]);
}

#[tokio::test]
async fn requests_at_the_same_time_share_a_call_and_its_failure() {
    let (_kms, wire, keys) = start().await;
    let vault = vault(&wire);
    let seal_twenty_times = async || join_all((0..20).map(|_| seal(&vault, &keys))).await;
    wire.fail([Fault::Refused]);
    for result in seal_twenty_times().await {
        assert!(matches!(result, Err(VaultError::Refused(_))), "{result:?}");
    }
    assert_eq!(wire.calls(), ["Decrypt"]);
    // The failure is not cached.
    for result in seal_twenty_times().await {
        result.expect("sealed");
    }
    assert_eq!(wire.calls(), ["Decrypt"]);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_holds_up_nobody() {
    let (_kms, wire, keys) = start().await;
    let vault = vault(&wire);
    wire.fail([Fault::Silent]);
    let impatient = tokio::time::timeout(Duration::from_millis(100), seal(&vault, &keys)).await;
    assert!(impatient.is_err());
    seal(&vault, &keys).await.expect("sealed");
    assert_eq!(wire.calls(), ["Decrypt"; 2]);
}

#[tokio::test]
async fn a_branch_key_is_kept_for_fifteen_minutes() {
    let (kms, wire, keys) = start().await;
    let vault = vault(&wire);
    let seal_at = async |time| vault.seal(&keys, &LOCATION, SECRET, time).await;
    let sealed = seal_at(now()).await.expect("sealed");
    let last = now() + AGE_MAX - SignedDuration::from_nanos(1);
    seal_at(last).await.expect("sealed");
    assert_eq!(wire.calls(), ["Decrypt"]);
    seal_at(now() + AGE_MAX).await.expect("sealed");
    assert_eq!(wire.calls(), ["Decrypt"]);

    // A disabled key is noticed within that time, which use does not extend.
    kms.disable_key();
    let open_at = async |time| vault.open(&keys, &LOCATION, &sealed, time).await;
    let last = last + AGE_MAX;
    assert_eq!(open_at(last).await.expect("still opens").expose(), SECRET);
    let refused = open_at(now() + AGE_MAX + AGE_MAX).await.expect_err("refused");
    assert!(matches!(&refused, VaultError::Refused(text) if text.contains("DisabledException")));
    kms.enable_key();
    open_at(now() + AGE_MAX + AGE_MAX).await.expect("opens again");
    assert_eq!(AGE_MAX, SignedDuration::from_mins(15));
}

#[tokio::test]
async fn the_256_branch_keys_used_last_are_kept() {
    let (_kms, wire, _) = start().await;
    let vault = vault(&wire);
    let mut keys = Vec::new();
    for number in 0..=ENTRIES_MAX {
        let environment = Uuid::from_u128(number as u128);
        keys.push([vault.create_branch_key(environment, 1).await.expect("a branch key")]);
    }
    wire.calls();
    let mut time = now();
    let mut touch = async |index: usize| {
        time += SignedDuration::from_millis(1);
        vault.seal(&keys[index], &LOCATION, SECRET, time).await.expect("sealed");
        wire.calls().len()
    };
    for index in 0..ENTRIES_MAX {
        assert_eq!(touch(index).await, 1);
    }
    assert_eq!(touch(0).await, 0);
    assert_eq!(touch(ENTRIES_MAX).await, 1);
    assert_eq!(touch(0).await, 0, "used later than the second one");
    assert_eq!(touch(2).await, 0);
    assert_eq!(touch(1).await, 1, "given up for the last one");
    assert_eq!(ENTRIES_MAX, 256);
}

#[tokio::test]
async fn a_fault_that_passes_is_not_seen() {
    let (_kms, wire, keys) = start().await;
    for fault in [Fault::Throttled, Fault::Failed, Fault::Broken] {
        wire.fail([fault, fault]);
        seal(&vault(&wire), &keys).await.expect("sealed");
        assert_eq!(wire.calls(), ["Decrypt"; 3], "{fault:?}");
    }
}

#[tokio::test]
async fn kms_that_is_away_is_told_from_kms_that_refuses() {
    let (kms, wire, keys) = start().await;
    let sealed = sealed(&wire, &keys).await;
    for fault in [Fault::Throttled, Fault::Failed, Fault::Broken, Fault::Silent] {
        let vault = vault(&wire);
        wire.fail([fault; 3]);
        let started = Instant::now();
        let error = open(&vault, &keys, &sealed).await.expect_err("not opened");
        assert!(matches!(error, VaultError::Unavailable(_)), "{fault:?}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{fault:?}");
        wire.fail([fault; 3]);
        let error = vault.create_branch_key(ENVIRONMENT, 2).await.expect_err("not created");
        assert!(matches!(error, VaultError::Unavailable(_)), "{fault:?}: {error:?}");
        wire.fail([]);
        open(&vault, &keys, &sealed).await.expect("opens when KMS is back");
        wire.calls();
    }
    let vault = vault(&wire);
    wire.fail([Fault::Refused]);
    let error = open(&vault, &keys, &sealed).await.expect_err("not opened");
    let text = "KMS Decrypt: AccessDeniedException: internal detail 4711 (request id unknown)";
    assert_eq!(error, VaultError::Refused(text.to_owned()));
    kms.disable_key();
    let error = open(&vault, &keys, &sealed).await.expect_err("not opened");
    assert!(matches!(error, VaultError::Refused(_)), "{error:?}");
    let error = vault.create_branch_key(ENVIRONMENT, 2).await.expect_err("not created");
    assert!(matches!(error, VaultError::Refused(_)), "{error:?}");
    // A refused call is not repeated.
    assert_eq!(wire.calls(), ["Decrypt", "Decrypt", "GenerateDataKeyWithoutPlaintext"]);
}

#[tokio::test]
async fn kms_that_cannot_be_reached_is_unavailable() {
    let (_kms, _wire, keys) = start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let closed = listener.local_addr().expect("an address");
    drop(listener);
    let error = seal(&vault_at(&format!("http://{closed}"), KEY_ID), &keys).await;
    assert!(matches!(error, Err(VaultError::Unavailable(_))), "{error:?}");
}

#[tokio::test]
async fn new_values_have_the_newest_version_and_old_ones_stay_readable() {
    let (_kms, wire, [first]) = start().await;
    let vault = vault(&wire);
    let second = vault.create_branch_key(ENVIRONMENT, 2).await.expect("a branch key");
    let before = [first.clone()];
    let after = [second, first];
    let old = seal(&vault, &before).await.expect("sealed");
    let new = seal(&vault, &after).await.expect("sealed");
    assert_eq!(sealing::branch_key_version(&old), Ok(1));
    assert_eq!(sealing::branch_key_version(&new), Ok(2));
    open(&vault, &after, &old).await.expect("opens");
    open(&vault, &after, &new).await.expect("opens");
    // A container that does not know of the rotation yet is told to read the keys again.
    assert_eq!(open(&vault, &before, &new).await, Err(VaultError::NoBranchKey));
    // Without branch keys, nothing can be opened: the environment was removed.
    assert_eq!(open(&vault, &[], &old).await, Err(VaultError::NoBranchKey));
    assert_eq!(seal(&vault, &[]).await, Err(VaultError::NoBranchKey));
}

#[tokio::test]
async fn a_branch_key_is_bound_to_its_environment_and_version() {
    let (_kms, wire, [key]) = start().await;
    let vault = vault(&wire);
    let mut changed = key.clone();
    changed.ciphertext[40] ^= 1;
    for stolen in [
        WrappedBranchKey { environment_id: Uuid::from_u128(1), ..key.clone() },
        WrappedBranchKey { version: 2, ..key.clone() },
        WrappedBranchKey { ciphertext: b"short".to_vec(), ..key.clone() },
        changed,
    ] {
        assert_eq!(seal(&vault, &[stolen]).await, Err(CORRUPT));
    }
    // A key that replaced another one is not taken for the cached one.
    seal(&vault, std::slice::from_ref(&key)).await.expect("sealed");
    let replaced = vault.create_branch_key(ENVIRONMENT, 1).await.expect("a branch key");
    let sealed = seal(&vault, &[replaced]).await.expect("sealed");
    assert_eq!(open(&vault, &[key], &sealed).await, Err(CORRUPT));
}

#[tokio::test]
async fn no_text_shows_a_secret() {
    let (_kms, wire, keys) = start().await;
    let ciphertext = format!("{:?}", keys[0].ciphertext);
    assert_eq!(
        format!("{:?}", keys[0]),
        format!("WrappedBranchKey {{ environment_id: {ENVIRONMENT}, version: 1, .. }}")
    );
    assert_eq!(format!("{:?}", vault(&wire)), "Vault { .. }");
    assert!(!format!("{:?}", vault(&wire)).contains(&ciphertext));

    // Answers that contain a key only in part: truncated, with more after it, of another length.
    let plaintext = "c2VjcmV0IGtleSBieXRlcyBvZiBLTVMgMDEyMzQ1Njc=";
    for body in [
        format!(r#"{{"KeyId":"{KEY_ID}","Plaintext":"{plaintext}"#),
        format!(r#"{{"Plaintext":"{plaintext}"}}}} {plaintext}"#),
        format!(r#"{{"Plaintext":["{plaintext}"]}}"#),
        format!(r#"{{"Plaintext":"{plaintext}!"}}"#),
        r#"{"Plaintext":"c2VjcmV0"}"#.to_owned(),
        "{}".to_owned(),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answer = body.clone();
        let service = Router::new().fallback(async move || answer);
        tokio::spawn(async { axum::serve(listener, service).await });
        let error = seal(&vault_at(&url, KEY_ID), &keys).await.expect_err("no key");
        let text = format!("{error} {error:?}");
        for secret in ["c2Vj", "secret", "73656372", "115, 101"] {
            assert!(!text.contains(secret), "{body}: {text}");
        }
    }
}

#[tokio::test]
async fn the_key_file_is_private_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("local/kms-key");
    let mut kms = Kms::start(Some(&file)).await.expect("KMS");
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = vault_at(&kms.url(), KEY_ID).create_branch_key(ENVIRONMENT, 1).await;
    let keys = [key.expect("a branch key")];
    let sealed = seal(&vault_at(&kms.url(), KEY_ID), &keys).await.expect("sealed");
    kms.server.stop().await;

    let kms = Kms::start(Some(&file)).await.expect("KMS again");
    open(&vault_at(&kms.url(), KEY_ID), &keys, &sealed).await.expect("opens after a restart");
    // Without the file, the key is another one.
    let other = Kms::start(None).await.expect("KMS");
    let error = open(&vault_at(&other.url(), KEY_ID), &keys, &sealed).await.expect_err("no key");
    assert!(error.to_string().contains("IncorrectKeyException"), "{error}");
    let error = open(&vault_at(&kms.url(), "alias/other"), &keys, &sealed).await;
    let error = error.expect_err("no key");
    assert!(error.to_string().contains("NotFoundException"), "{error}");

    std::fs::write(&file, "not a key").expect("written");
    let error = Kms::start(Some(&file)).await.err().expect("no KMS");
    assert!(!error.to_string().contains("not a key"), "{error}");
}
