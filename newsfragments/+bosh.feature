Web clients connect by BOSH (XEP-0124, XEP-0206) at ``/http-bind``: requests that are repeated, lost or out of order are
handled once and in order.
