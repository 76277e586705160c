//! LMDB, which writes to its file at each commit and does not sync.

#![expect(unsafe_code, reason = "LMDB maps its file, and no promise to sync is kept")]

use std::path::Path;

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions};

use super::Engine;

/// The most that the file may grow to. It is only address space.
const MAP_SIZE: usize = 64 << 30;

struct Lmdb {
    env: Env,
    table: Database<'static, Bytes, Bytes>,
}

pub(super) fn open(folder: &Path) -> Box<dyn Engine> {
    let open = || {
        // SAFETY: nothing else changes the file, and a database that a crash damages is not used again.
        let env = unsafe {
            EnvOpenOptions::new().map_size(MAP_SIZE).flags(EnvFlags::NO_SYNC).open(folder)?
        };
        let created =
            env.create_databases_and_commit(env.write_txn()?, |opener, transaction| {
                opener.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
            })?;
        let table = created.unwrap_commit();
        Ok::<_, heed::Error>(Lmdb { env, table })
    };
    Box::new(open().expect("a database can be created"))
}

impl Lmdb {
    fn insert(&self, key: u64, value: &[u8]) -> heed::Result<()> {
        let mut transaction = self.env.write_txn()?;
        self.table.put(&mut transaction, &key.to_le_bytes(), value)?;
        transaction.commit()
    }

    fn find(&self, key: u64) -> heed::Result<Option<Vec<u8>>> {
        let transaction = self.env.read_txn()?;
        Ok(self.table.get(&transaction, &key.to_le_bytes())?.map(<[u8]>::to_vec))
    }
}

impl Engine for Lmdb {
    fn put(&self, key: u64, value: &[u8]) {
        self.insert(key, value).expect("the database can be written");
    }

    fn get(&self, key: u64) -> Option<Vec<u8>> {
        self.find(key).expect("the database can be read")
    }
}
