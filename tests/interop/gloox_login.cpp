// Logs in by gloox, talks with a peer, and logs out:  gloox_login PORT JID PASSWORD PEER [TEXT]
//
// With TEXT it is sent to PEER and "answer" is waited for; without it a text is waited for and answered. What happens is
// printed a line each: "mechanism NAME", "in JID", "got TEXT", "refused", "out". Status 0 after a logout, 2 if refused.

#include <cstdio>
#include <cstdlib>
#include <gloox/client.h>
#include <gloox/connectionlistener.h>
#include <gloox/loghandler.h>
#include <gloox/message.h>
#include <gloox/messagehandler.h>
#include <iostream>
#include <string>

using namespace gloox;

class Login : public ConnectionListener, public MessageHandler, public LogHandler {
  public:
    Login(char** words, const char* text)
        : client(JID(words[2]), words[3], atoi(words[1])), peer(words[4]), text(text ? text : "") {
        client.setServer("127.0.0.1");
        client.registerConnectionListener(this);
        client.registerMessageHandler(this);
        client.logInstance().registerLogHandler(LogLevelDebug, LogAreaXmlOutgoing, this);
    }

    int run() {
        client.connect(true);
        return status;
    }

    void onConnect() override {
        std::cout << "in " << client.jid().full() << std::endl;
        if (!text.empty()) client.send(Message(Message::Chat, peer, text));
    }

    void onDisconnect(ConnectionError error) override {
        if (error == ConnAuthenticationFailed) status = 2;
        std::cout << (error == ConnUserDisconnected ? "out" : status == 2 ? "refused" : "lost")
                  << " (connection " << error << ", authentication " << client.authError() << ")" << std::endl;
        if (error == ConnUserDisconnected) status = 0;
    }

    bool onTLSConnect(const CertInfo& info) override {
        std::cout << "protocol " << info.protocol << std::endl;
        return true;
    }

    void handleMessage(const Message& message, MessageSession*) override {
        if (message.body().empty()) return;
        std::cout << "got " << message.body() << std::endl;
        if (text.empty()) client.send(Message(Message::Chat, message.from(), "answer"));
        client.disconnect();
    }

    void handleLog(LogLevel, LogArea, const std::string& line) override {
        const std::string mark = "mechanism='";
        size_t at = line.find(mark);
        if (line.find("<auth") != 0 || at == std::string::npos) return;
        at += mark.size();
        std::cout << "mechanism " << line.substr(at, line.find('\'', at) - at) << std::endl;
    }

  private:
    Client client;
    JID peer;
    std::string text;
    int status = 1;
};

int main(int count, char** words) {
    if (count < 5) return 1;
    return Login(words, count > 5 ? words[5] : nullptr).run();
}
