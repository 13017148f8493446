An archive of each account's messages: paging, search by contact, time and id, preferences, retention, unique ids, tombstones of what was retracted (XEP-0313, XEP-0059, XEP-0359, XEP-0441, XEP-0424).
