//! redb, as the crate `cached` uses it. Its commits without a sync are weaker than `os`: they stay in the process until
//! a later commit with a sync, so the end of the process loses them.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::Engine;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("cache");

struct Redb(Database);

pub(super) fn open(folder: &Path) -> Box<dyn Engine> {
    let database = Database::create(folder.join("cache.redb")).expect("a database can be created");
    let transaction = database.begin_write().expect("a transaction");
    transaction.open_table(TABLE).expect("a table can be created");
    transaction.commit().expect("the database can be written");
    Box::new(Redb(database))
}

impl Redb {
    fn insert(&self, key: u64, value: &[u8]) -> Result<(), redb::Error> {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(Durability::None)?;
        transaction.open_table(TABLE)?.insert(&key.to_le_bytes()[..], value)?;
        Ok(transaction.commit()?)
    }

    fn find(&self, key: u64) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = self.0.begin_read()?.open_table(TABLE)?;
        Ok(table.get(&key.to_le_bytes()[..])?.map(|found| found.value().to_vec()))
    }
}

impl Engine for Redb {
    fn put(&self, key: u64, value: &[u8]) {
        self.insert(key, value).expect("the database can be written");
    }

    fn get(&self, key: u64) -> Option<Vec<u8>> {
        self.find(key).expect("the database can be read")
    }
}
