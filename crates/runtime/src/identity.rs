//! Claims, verified: the operating system's user, and service accounts by API key. People are known to the journal by
//! random pseudonyms; which name a pseudonym stands for is sealed in the store's records. Keys are stored hashed.

use std::collections::BTreeSet;

use interlock_core::digest::Digest;
use interlock_core::id::{ApiKeyId, PrincipalId, RoleName, SchemaName, SubjectId};
use interlock_core::pipeline::identity::{
    Claims, IdentityDenial, Method, Principal, PrincipalKind,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::administration::{Administration, Office};
use crate::deploy::record_fault;
use crate::engine::{Engine, Fault};
use crate::seal::SealFault;

mod subjects;

const PRINCIPAL: &str = "principal";
const NAME: &str = "principal_name";
const API_KEY: &str = "api_key";
pub(crate) const SUBJECT: &str = "subject_name";
pub(crate) const PSEUDONYM: &str = "pseudonym";
/// What an API key starts with, so that scanners find a leaked one.
const KEY_PREFIX: &str = "ilk_";

/// A principal's record, sealed: it holds a name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    name: String,
    kind: String,
    roles: BTreeSet<String>,
    suspended: bool,
}

/// An API key's record. The secret itself is nowhere: only its hash.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRecord {
    principal: String,
    hash: String,
    expires_at: Option<u64>,
}

/// Why a caller is nobody. Callers are told no more than that.
#[derive(Debug, thiserror::Error)]
pub enum Unidentified {
    /// No credential, an unknown one, or one of another form.
    #[error("identify the caller: no valid credential")]
    Unknown,
    /// A known account that may not enter.
    #[error(transparent)]
    Denied(#[from] IdentityDenial),
    /// Identity could not be looked up.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A principal by name, for people who may see names.
#[derive(Debug, Clone, Serialize)]
pub struct Named {
    /// The pseudonym.
    pub id: String,
    /// The name.
    pub name: String,
    /// `person` or `service`.
    pub kind: String,
    /// Roles held.
    pub roles: BTreeSet<String>,
}

impl Engine {
    /// The principal of a person on this machine: roles come from the operator's configuration each time.
    ///
    /// # Errors
    /// See [`Unidentified`].
    pub async fn local_person(
        &self,
        user: &str,
        roles: BTreeSet<RoleName>,
        method: Method,
    ) -> Result<Principal, Unidentified> {
        let account = Account {
            name: user.to_owned(),
            kind: PrincipalKind::Person.as_str().to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
            suspended: false,
        };
        let id = self.account(&account).await?;
        self.admit(id, PrincipalKind::Person, method, roles, false, None)
    }

    /// A service account by name; made where there is none.
    ///
    /// # Errors
    /// See [`Unidentified`].
    pub async fn service(
        &self,
        name: &str,
        roles: BTreeSet<RoleName>,
        method: Method,
    ) -> Result<Principal, Unidentified> {
        let account = Account {
            name: name.to_owned(),
            kind: PrincipalKind::Service.as_str().to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
            suspended: false,
        };
        let id = self.account(&account).await?;
        self.admit(id, PrincipalKind::Service, method, roles, false, None)
    }

    /// Makes an API key for an account; `by` is who asked for it, none the system itself. The returned text is shown once
    /// and stored nowhere.
    ///
    /// # Errors
    /// The person does not hold the office; or the store or randomness cannot be reached.
    pub async fn create_api_key(
        &self,
        service: &Principal,
        expires_at: Option<interlock_core::time::Timestamp>,
        by: Option<&Principal>,
    ) -> Result<(ApiKeyId, Zeroizing<String>), Fault> {
        let by = self.in_office(Office::ApiKeys, by)?;
        let now = self.parts.clock.now();
        let id = ApiKeyId::from_bytes(
            crate::clock::ulid(now, self.parts.entropy.as_ref()).map_err(|_| Fault::Entropy)?,
        );
        let mut secret = Zeroizing::new([0u8; 32]);
        self.parts
            .entropy
            .fill(secret.as_mut_slice())
            .map_err(|_| Fault::Entropy)?;
        let id_text = id.to_string();
        let short = id_text.trim_start_matches("key_").to_owned();
        let text = Zeroizing::new(format!("{KEY_PREFIX}{short}_{}", hex(secret.as_slice())));
        let record = KeyRecord {
            principal: service.id().to_string(),
            hash: Digest::of_parts([b"interlock/api-key/v1".as_slice(), text.as_bytes()])
                .to_string(),
            expires_at: expires_at.map(interlock_core::time::Timestamp::as_micros),
        };
        let bytes = serde_json::to_vec(&record).map_err(|fault| Fault::Bug(fault.to_string()))?;
        // Sealed: whoever can write to the store alone cannot add a key, or point one at another account.
        let bytes = self
            .parts
            .book
            .seal_small(self.tenant(), API_KEY, short.as_bytes(), &bytes)
            .await?;
        let act = Administration::ApiKeyCreated {
            key: id,
            principal: service.id(),
            expires_at,
        };
        self.administer(act, None, by).await?;
        self.parts
            .store
            .put_record(self.tenant(), API_KEY, &short, None, bytes)
            .await
            .map_err(record_fault)?;
        Ok((id, text))
    }

    /// Ends an API key: the next request with it is refused. It ends before it is on record as ended, so that no record
    /// says so of a key that works; one that was ended without a record gets it when asked again.
    ///
    /// # Errors
    /// The person does not hold the office, there is no such key, or the store cannot be written: then asking again
    /// finishes it.
    pub async fn revoke_api_key(&self, id: ApiKeyId, by: Option<&Principal>) -> Result<(), Fault> {
        let by = self.in_office(Office::ApiKeys, by)?;
        let text = id.to_string();
        let short = text.trim_start_matches("key_");
        let record = self.store().record(self.tenant(), API_KEY, short).await?;
        if record.is_some() {
            self.remove_record(API_KEY, short).await?;
        } else if !self.ended_unrecorded(id).await? {
            return Err(Fault::NotFound("the API key"));
        }
        let act = Administration::ApiKeyRevoked { key: id };
        self.administer(act, None, by).await.map(drop)
    }

    /// Whether the log knows of a key, and not of its end.
    async fn ended_unrecorded(&self, id: ApiKeyId) -> Result<bool, Fault> {
        let acts = self.administered().await?;
        let about = acts.iter().rev().find_map(|done| match &done.act {
            Administration::ApiKeyCreated { key, .. } if *key == id => Some(true),
            Administration::ApiKeyRevoked { key } if *key == id => Some(false),
            _ => None,
        });
        Ok(about.unwrap_or(false))
    }

    /// The principal behind an API key. 256 random bits need no slow hash; the comparison takes the same time
    /// wherever the texts differ.
    ///
    /// # Errors
    /// See [`Unidentified`].
    pub async fn by_api_key(&self, text: &str) -> Result<Principal, Unidentified> {
        let (short, _) = text
            .strip_prefix(KEY_PREFIX)
            .and_then(|rest| rest.split_once('_'))
            .filter(|(short, secret)| short.len() == 26 && secret.len() == 64)
            .ok_or(Unidentified::Unknown)?;
        let record = self
            .parts
            .store
            .record(self.tenant(), API_KEY, short)
            .await
            .map_err(Fault::from)?;
        let record = record.ok_or(Unidentified::Unknown)?;
        let opened = self
            .parts
            .book
            .open_small(self.tenant(), API_KEY, short.as_bytes(), &record.bytes)
            .await
            .map_err(unopened)?;
        let record: KeyRecord =
            serde_json::from_slice(&opened).map_err(|_| Unidentified::Unknown)?;
        let hash =
            Digest::of_parts([b"interlock/api-key/v1".as_slice(), text.as_bytes()]).to_string();
        if aws_lc_rs::constant_time::verify_slices_are_equal(
            hash.as_bytes(),
            record.hash.as_bytes(),
        )
        .is_err()
        {
            return Err(Unidentified::Unknown);
        }
        let id: PrincipalId = record
            .principal
            .parse()
            .map_err(|_| Unidentified::Unknown)?;
        let account = self.account_of(id).await?.ok_or(Unidentified::Unknown)?;
        let kind = PrincipalKind::parse(&account.kind).ok_or(Unidentified::Unknown)?;
        let roles = account
            .roles
            .iter()
            .map(|role| RoleName::parse(role))
            .collect::<Result<_, _>>()
            .map_err(|_| Unidentified::Unknown)?;
        let expires_at = record
            .expires_at
            .map(interlock_core::time::Timestamp::from_micros);
        self.admit(
            id,
            kind,
            Method::ApiKey,
            roles,
            account.suspended,
            expires_at,
        )
    }

    /// Who a pseudonym stands for.
    ///
    /// # Errors
    /// The store or keys cannot be reached.
    pub async fn named(&self, id: PrincipalId) -> Result<Option<Named>, Fault> {
        Ok(self.account_of(id).await?.map(|account| Named {
            id: id.to_string(),
            name: account.name,
            kind: account.kind,
            roles: account.roles,
        }))
    }

    fn admit(
        &self,
        id: PrincipalId,
        kind: PrincipalKind,
        method: Method,
        roles: BTreeSet<RoleName>,
        suspended: bool,
        expires_at: Option<interlock_core::time::Timestamp>,
    ) -> Result<Principal, Unidentified> {
        let claims = Claims {
            id,
            kind,
            method,
            tenant: self.tenant().clone(),
            environment: self.environment().clone(),
            roles,
            act_for: None,
            suspended,
            expires_at,
        };
        Ok(Principal::admit(
            claims,
            self.tenant(),
            self.environment(),
            self.parts.clock.now(),
        )?)
    }

    /// The pseudonym of an account, made where there is none; its record is brought up to date.
    async fn account(&self, account: &Account) -> Result<PrincipalId, Fault> {
        let id = PrincipalId::from_bytes(
            self.pseudonym(NAME, &format!("{}:{}", account.kind, account.name))
                .await?,
        );
        let bytes = serde_json::to_vec(account).map_err(|fault| Fault::Bug(fault.to_string()))?;
        let key = id.to_string();
        if let Some(known) = self.account_of(id).await?
            && known.roles == account.roles
        {
            return Ok(id);
        }
        let sealed = self
            .parts
            .book
            .seal_small(self.tenant(), PRINCIPAL, key.as_bytes(), &bytes)
            .await?;
        self.put(PRINCIPAL, &key, sealed).await?;
        Ok(id)
    }

    async fn account_of(&self, id: PrincipalId) -> Result<Option<Account>, Fault> {
        let key = id.to_string();
        let Some(record) = self
            .parts
            .store
            .record(self.tenant(), PRINCIPAL, &key)
            .await?
        else {
            return Ok(None);
        };
        let bytes = self
            .parts
            .book
            .open_small(self.tenant(), PRINCIPAL, key.as_bytes(), &record.bytes)
            .await?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| Fault::Bug("an account record of another form".to_owned()))
    }

    /// The pseudonyms of the people that an input names as its subjects.
    pub(crate) async fn subjects(
        &self,
        bundle: &interlock_bundle::Bundle,
        schema: &SchemaName,
        value: &serde_json::Value,
    ) -> Result<Vec<SubjectId>, Fault> {
        let mut found = BTreeSet::new();
        for path in bundle.shapes().subjects(schema) {
            for text in path
                .select(value)
                .into_iter()
                .filter_map(serde_json::Value::as_str)
            {
                if found.len() > interlock_core::limits::SUBJECTS_MAX {
                    break;
                }
                found.insert(self.subject_named(text).await?);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// The pseudonym of a person or service of that name; `None`: nobody has it.
    pub(crate) async fn person_by_name(&self, name: &str) -> Result<Option<String>, Fault> {
        for kind in [PrincipalKind::Person, PrincipalKind::Service] {
            let full = format!("{}:{name}", kind.as_str());
            if let Some(id) = self.known_pseudonym(NAME, &full).await? {
                return Ok(Some(PrincipalId::from_bytes(id).to_string()));
            }
        }
        Ok(None)
    }

    /// The pseudonym of the person that data is about; `None`: nobody was named so, or they are erased.
    pub(crate) async fn subject_by_name(&self, name: &str) -> Result<Option<String>, Fault> {
        let inner = self.name_index(name).await?;
        let found = self.subject_at(&inner).await?;
        Ok(found.map(|id| id.to_string()))
    }

    /// The pseudonym of a name that has one.
    async fn known_pseudonym(
        &self,
        kind: &'static str,
        name: &str,
    ) -> Result<Option<[u8; 16]>, Fault> {
        let index = self
            .parts
            .book
            .blind_index(self.tenant(), kind, name)
            .await?;
        let kind = &spread(kind, &index);
        let Some(record) = self.parts.store.record(self.tenant(), kind, &index).await? else {
            return Ok(None);
        };
        let place = format!("{kind}/{index}");
        let opened = self
            .parts
            .book
            .open_small(self.tenant(), PSEUDONYM, place.as_bytes(), &record.bytes)
            .await?;
        <[u8; 16]>::try_from(opened.as_slice())
            .map(Some)
            .map_err(|_| Fault::Bug("a pseudonym of another form".to_owned()))
    }

    /// A random pseudonym for a name, the same each time: looked up by a keyed index, so that the store's records
    /// do not tell the name.
    async fn pseudonym(&self, kind: &'static str, name: &str) -> Result<[u8; 16], Fault> {
        let index = self
            .parts
            .book
            .blind_index(self.tenant(), kind, name)
            .await?;
        let kind = &spread(kind, &index);
        let place = format!("{kind}/{index}");
        let parse = async |bytes: &[u8]| {
            let opened = self
                .parts
                .book
                .open_small(self.tenant(), PSEUDONYM, place.as_bytes(), bytes)
                .await?;
            <[u8; 16]>::try_from(opened.as_slice())
                .map_err(|_| Fault::Bug("a pseudonym of another form".to_owned()))
        };
        if let Some(record) = self.parts.store.record(self.tenant(), kind, &index).await? {
            return parse(&record.bytes).await;
        }
        let now = self.parts.clock.now();
        let id =
            crate::clock::ulid(now, self.parts.entropy.as_ref()).map_err(|_| Fault::Entropy)?;
        let sealed = self
            .parts
            .book
            .seal_small(self.tenant(), PSEUDONYM, place.as_bytes(), &id)
            .await?;
        match self
            .parts
            .store
            .put_record(self.tenant(), kind, &index, None, sealed)
            .await
        {
            Ok(_) => Ok(id),
            Err(interlock_store::RecordFault::Conflict { .. }) => {
                let record = self.parts.store.record(self.tenant(), kind, &index).await?;
                parse(&record.ok_or(Fault::Unknown)?.bytes).await
            }
            Err(fault) => Err(record_fault(fault)),
        }
    }
}

/// A record that was not sealed here is no credential; a key that cannot be reached now is a fault of ours.
fn unopened(fault: SealFault) -> Unidentified {
    match fault {
        SealFault::Record(..) => Unidentified::Fault(fault.into()),
        _ => Unidentified::Unknown,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A record kind, spread by the first two digits of a keyed index: a store bounds the records of one kind.
pub(crate) fn spread(kind: &str, index: &str) -> String {
    let start: String = index.chars().take(2).collect();
    format!("{kind}.{start}")
}
