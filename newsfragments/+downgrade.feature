SCRAM shows clients whether somebody on the way changed what was announced (XEP-0474); accounts that lack a hash get it at a login (XEP-0480).
