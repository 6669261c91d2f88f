//! The part of the format that both kinds of sealed values share: salt, commitment, ciphertext,
//! tag.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::location::Location;
use crate::plaintext::{PLAINTEXT_LENGTH_MAX, Plaintext, SealingError};

const SALT_LENGTH: usize = 32;
const KEY_LENGTH: usize = 32;
const COMMITMENT_LENGTH: usize = 32;

/// Seals a value with its own key: `header`, salt, commitment, ciphertext, tag.
pub(crate) fn seal(
    secret: &[u8],
    info: &[u8],
    header: &[u8],
    location: &Location<'_>,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealingError> {
    if plaintext.len() > PLAINTEXT_LENGTH_MAX {
        return Err(SealingError::TooLong);
    }
    let mut salt = [0; SALT_LENGTH];
    SystemRandom::new().fill(&mut salt).map_err(|_| SealingError::NoRandomness)?;
    let key = RecordKey::derive(secret, &salt, info)?;

    let length = header.len() + SALT_LENGTH + COMMITMENT_LENGTH + plaintext.len();
    let mut sealed = Vec::with_capacity(length + AES_256_GCM.tag_len());
    sealed.extend(header);
    sealed.extend(salt);
    sealed.extend(key.commitment());
    let body = sealed.len();
    sealed.extend(plaintext);
    let tag = key.encrypt(&location.additional_data(header), &mut sealed[body..])?;
    sealed.extend(tag.as_ref());
    Ok(sealed)
}

/// Opens a sealed value; `sealed` is the part after the header.
pub(crate) fn open(
    secret: &[u8],
    info: &[u8],
    header: &[u8],
    location: &Location<'_>,
    sealed: &[u8],
) -> Result<Plaintext, SealingError> {
    let (salt, sealed) = sealed.split_first_chunk::<SALT_LENGTH>().ok_or(SealingError::Corrupt)?;
    let (commitment, ciphertext) =
        sealed.split_first_chunk::<COMMITMENT_LENGTH>().ok_or(SealingError::Corrupt)?;
    let key = RecordKey::derive(secret, salt, info)?;
    if !bool::from(key.commitment().ct_eq(commitment)) {
        return Err(SealingError::Corrupt);
    }
    key.decrypt(&location.additional_data(header), ciphertext)
}

/// The key of one value, followed by the commitment to it. It is consumed when it is used.
struct RecordKey(Zeroizing<[u8; KEY_LENGTH + COMMITMENT_LENGTH]>);

impl RecordKey {
    fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<Self, SealingError> {
        let mut bytes = Zeroizing::new([0; KEY_LENGTH + COMMITMENT_LENGTH]);
        Salt::new(HKDF_SHA256, salt)
            .extract(secret)
            .expand(&[info], Length(bytes.len()))
            .and_then(|output| output.fill(bytes.as_mut_slice()))
            // Only possible for longer outputs.
            .map_err(|_| SealingError::Corrupt)?;
        Ok(Self(bytes))
    }

    fn commitment(&self) -> &[u8] {
        &self.0[KEY_LENGTH..]
    }

    fn encrypt(self, data: &[u8], body: &mut [u8]) -> Result<ring::aead::Tag, SealingError> {
        self.key()?
            .seal_in_place_separate_tag(nonce(), Aad::from(data), body)
            // Only possible for longer plaintexts.
            .map_err(|_| SealingError::TooLong)
    }

    fn decrypt(self, data: &[u8], ciphertext: &[u8]) -> Result<Plaintext, SealingError> {
        let mut body = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .key()?
            .open_in_place(nonce(), Aad::from(data), &mut body)
            .map_err(|_| SealingError::Corrupt)?
            .len();
        body.truncate(length);
        Ok(Plaintext(body))
    }

    fn key(&self) -> Result<LessSafeKey, SealingError> {
        UnboundKey::new(&AES_256_GCM, &self.0[..KEY_LENGTH])
            .map(LessSafeKey::new)
            // Only possible for other lengths.
            .map_err(|_| SealingError::Corrupt)
    }
}

/// Zero, since each key encrypts only one message.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// The length of HKDF's output.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
