"""What differs between two versions of an API, as flat records: no verdict, only what is so."""
