"""Sound to learn from: public sets and a pool of real recordings, fetched, checked, cached, with licences."""
