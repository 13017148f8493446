Push notifications (XEP-0357): a push service is told when a message, an invitation or a call waits for a client that is offline or has lost its connection; by default nothing but how many.
