//! Only what was sealed can be opened: the format, checked against another implementation.

use sealing::{
    BranchKey, Location, PLAINTEXT_LENGTH_MAX, Purpose, SealingError, TokenKey, branch_key_version,
};
use serde::Deserialize;
use zeroize::Zeroizing;

const LOCATION: Location<'_> = Location {
    table: "connections",
    partition_key: b"ENV#1",
    sort_key: b"github#conn-1",
    attribute: "credentials",
};

const TOKEN: &str = "nango_connect_session_5f9c1e";

fn branch_key(version: u32, byte: u8) -> BranchKey {
    BranchKey::new(version, Zeroizing::new(vec![byte; 32])).expect("a key")
}

fn token_key(bearer: &str) -> TokenKey<'_> {
    TokenKey::new(bearer, Purpose::SessionDefaults)
}

/// Made by `tests/vectors/make.py` with Python's `cryptography`.
#[derive(Deserialize)]
struct Vectors {
    branch_key: Vec<BranchKeyVector>,
    token: Vec<TokenVector>,
}

#[derive(Deserialize)]
struct BranchKeyVector {
    name: String,
    branch_key: String,
    version: u32,
    location: StoredLocation,
    plaintext: String,
    sealed: String,
}

#[derive(Deserialize)]
struct TokenVector {
    name: String,
    bearer: String,
    purpose: String,
    location: StoredLocation,
    plaintext: String,
    sealed: String,
}

#[derive(Deserialize)]
struct StoredLocation {
    table: String,
    partition_key: String,
    sort_key: String,
    attribute: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).expect("hex")
}

impl StoredLocation {
    fn with<R>(&self, test: impl FnOnce(&Location<'_>) -> R) -> R {
        test(&Location {
            table: &self.table,
            partition_key: &bytes(&self.partition_key),
            sort_key: &bytes(&self.sort_key),
            attribute: &self.attribute,
        })
    }
}

#[test]
fn values_that_another_implementation_sealed_open() {
    let text = include_str!("../vectors/sealing.json");
    let vectors: Vectors = serde_json::from_str(text).expect("the vectors");
    assert_eq!((vectors.branch_key.len(), vectors.token.len()), (4, 2));
    for vector in vectors.branch_key {
        let key = Zeroizing::new(bytes(&vector.branch_key));
        let key = BranchKey::new(vector.version, key).expect("a key");
        let sealed = bytes(&vector.sealed);
        assert_eq!(branch_key_version(&sealed), Ok(vector.version), "{}", vector.name);
        let opened = vector.location.with(|location| key.open(location, &sealed)).expect("opens");
        assert_eq!(opened.expose(), bytes(&vector.plaintext), "{}", vector.name);
    }
    for vector in vectors.token {
        let purpose = match vector.purpose.as_str() {
            "session-defaults" => Purpose::SessionDefaults,
            "oauth-flow" => Purpose::OauthFlow,
            other => panic!("{other} is no purpose"),
        };
        let key = TokenKey::new(&vector.bearer, purpose);
        let sealed = bytes(&vector.sealed);
        let opened = vector.location.with(|location| key.open(location, &sealed)).expect("opens");
        assert_eq!(opened.expose(), bytes(&vector.plaintext), "{}", vector.name);
    }
}

#[test]
fn what_was_sealed_opens_up_to_64_kib() {
    let key = branch_key(7, 1);
    let token = token_key(TOKEN);
    for length in [0, 1, 15, 16, 17, 1000, PLAINTEXT_LENGTH_MAX] {
        let plaintext = vec![0xA5; length];
        let sealed = key.seal(&LOCATION, &plaintext).expect("sealed");
        assert_eq!(sealed.len(), length + 85);
        assert_eq!(key.open(&LOCATION, &sealed).expect("opens").expose(), plaintext);
        let sealed = token.seal(&LOCATION, &plaintext).expect("sealed");
        assert_eq!(sealed.len(), length + 81);
        assert_eq!(token.open(&LOCATION, &sealed).expect("opens").expose(), plaintext);
    }
    let too_long = vec![0; PLAINTEXT_LENGTH_MAX + 1];
    assert_eq!(key.seal(&LOCATION, &too_long), Err(SealingError::TooLong));
    assert_eq!(token.seal(&LOCATION, &too_long), Err(SealingError::TooLong));
}

#[test]
fn each_value_has_a_salt_of_its_own() {
    let key = branch_key(1, 1);
    let seal = || key.seal(&LOCATION, b"the same").expect("sealed");
    let (one, other) = (seal(), seal());
    // Version byte and key version are the same; salt, commitment and ciphertext differ.
    assert_eq!(one[..5], other[..5]);
    for part in [5..37, 37..69, 69..one.len()] {
        assert_ne!(one[part.clone()], other[part]);
    }
}

fn assert_corrupt(key: &dyn Fn(&[u8]) -> bool, sealed: &[u8]) {
    assert!(key(sealed), "it opens unchanged");
    for position in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.to_vec();
            changed[position] ^= 1 << bit;
            assert!(!key(&changed), "bit {bit} of byte {position}");
        }
        assert!(!key(&sealed[..position]), "the first {position} bytes");
        assert!(!key(&sealed[position + 1..]), "without {position} bytes at the front");
    }
    assert!(!key(&[sealed, &[0]].concat()), "a byte more");
}

#[test]
fn a_value_with_any_bit_changed_does_not_open() {
    let key = branch_key(1, 1);
    let sealed = key.seal(&LOCATION, b"secret").expect("sealed");
    assert_corrupt(&|sealed| key.open(&LOCATION, sealed).is_ok(), &sealed);
    let key = token_key(TOKEN);
    let sealed = key.seal(&LOCATION, b"secret").expect("sealed");
    assert_corrupt(&|sealed| key.open(&LOCATION, sealed).is_ok(), &sealed);
}

#[test]
fn a_value_opens_only_where_it_was_sealed_for() {
    let key = branch_key(1, 1);
    let token = token_key(TOKEN);
    let by_key = key.seal(&LOCATION, b"secret").expect("sealed");
    let by_token = token.seal(&LOCATION, b"secret").expect("sealed");
    for elsewhere in [
        Location { table: "registry", ..LOCATION },
        Location { partition_key: b"ENV#2", ..LOCATION },
        Location { sort_key: b"github#conn-2", ..LOCATION },
        Location { sort_key: b"", ..LOCATION },
        Location { attribute: "signing_key", ..LOCATION },
        // The same sequence of bytes, divided elsewhere.
        Location { partition_key: b"ENV#1g", sort_key: b"ithub#conn-1", ..LOCATION },
        Location { table: "connection", partition_key: b"sENV#1", ..LOCATION },
    ] {
        let opened = key.open(&elsewhere, &by_key).expect_err("not there");
        assert_eq!(opened, SealingError::Corrupt, "{elsewhere:?}");
        assert!(token.open(&elsewhere, &by_token).is_err(), "{elsewhere:?}");
    }
}

#[test]
fn a_value_opens_only_with_its_key() {
    let sealed = branch_key(1, 1).seal(&LOCATION, b"secret").expect("sealed");
    // Another environment's key, and the same key as another version.
    assert!(branch_key(1, 2).open(&LOCATION, &sealed).is_err());
    assert!(branch_key(2, 1).open(&LOCATION, &sealed).is_err());
    let mut as_version_2 = sealed.clone();
    as_version_2[4] = 2;
    assert!(branch_key(2, 1).open(&LOCATION, &as_version_2).is_err());

    let by_token = token_key(TOKEN).seal(&LOCATION, b"secret").expect("sealed");
    assert!(token_key("nango_connect_session_5f9c1f").open(&LOCATION, &by_token).is_err());
    assert!(TokenKey::new(TOKEN, Purpose::OauthFlow).open(&LOCATION, &by_token).is_err());

    // A value of one kind is not one of another, even if the secret is the same.
    let text = "0123456789abcdef0123456789abcdef";
    let key = BranchKey::new(1, Zeroizing::new(text.as_bytes().to_vec())).expect("a key");
    let sealed = key.seal(&LOCATION, b"secret").expect("sealed");
    assert!(token_key(text).open(&LOCATION, &sealed).is_err());
    let as_tokens = [&[2], &sealed[5..]].concat();
    assert!(token_key(text).open(&LOCATION, &as_tokens).is_err());
    assert_eq!(branch_key_version(&by_token), Err(SealingError::Corrupt));
    assert!(key.open(&LOCATION, &by_token).is_err());
}

#[test]
fn a_branch_key_has_32_bytes() {
    for length in [0, 16, 31, 33] {
        let key = BranchKey::new(1, Zeroizing::new(vec![0; length]));
        assert_eq!(key.expect_err("no key"), SealingError::Corrupt);
    }
}

#[test]
fn debug_and_display_show_no_secret() {
    let key = branch_key(3, 0xAB);
    let sealed = key.seal(&LOCATION, b"hunter2").expect("sealed");
    let opened = key.open(&LOCATION, &sealed).expect("opens");
    assert_eq!(format!("{key:?}"), "BranchKey { version: 3, .. }");
    assert_eq!(format!("{opened:?}"), "Plaintext(…)");
    assert_eq!(format!("{:?}", token_key(TOKEN)), "TokenKey { purpose: SessionDefaults, .. }");
    assert_eq!(SealingError::Corrupt.to_string(), "the sealed value does not open");
}
