vCards (XEP-0054) and private XML (XEP-0049, with the bookmarks of old clients) are kept for accounts.
