// Logs in by QXmpp, talks with a peer, and logs out:  qxmpp_login PORT JID PASSWORD PEER [TEXT]
//
// Arguments, what is printed and the status are as in gloox_login.cpp.

#include <QCoreApplication>
#include <QSslSocket>
#include <QXmppClient.h>
#include <QXmppConfiguration.h>
#include <QXmppLogger.h>
#include <QXmppMessage.h>
#include <iostream>

int main(int count, char** words) {
    if (count < 5) return 1;
    QCoreApplication application(count, words);
    QXmppClient client;
    QXmppConfiguration settings;
    const QString text = count > 5 ? words[5] : "";
    bool is_in = false, is_refused = false;

    settings.setJid(words[2]);
    settings.setPassword(words[3]);
    settings.setHost("127.0.0.1");
    settings.setPort(atoi(words[1]));
    settings.setIgnoreSslErrors(true);
    settings.setAutoReconnectionEnabled(false);
    client.logger()->setLoggingType(QXmppLogger::SignalLogging);
    QObject::connect(client.logger(), &QXmppLogger::message, [](QXmppLogger::MessageType type, const QString& line) {
        const int at = line.indexOf("mechanism=\"");
        if (type == QXmppLogger::SentMessage && line.startsWith("<auth") && at >= 0)
            std::cout << "mechanism " << line.mid(at + 11).section('"', 0, 0).toStdString() << std::endl;
    });
    QObject::connect(&client, &QXmppClient::connected, [&] {
        is_in = true;
        std::cout << "in " << client.configuration().jid().toStdString() << std::endl;
        if (!text.isEmpty()) client.sendPacket(QXmppMessage("", words[4], text));
    });
    QObject::connect(&client, &QXmppClient::messageReceived, [&](const QXmppMessage& message) {
        if (message.body().isEmpty()) return;
        std::cout << "got " << message.body().toStdString() << std::endl;
        if (text.isEmpty()) client.sendPacket(QXmppMessage("", message.from(), "answer"));
        client.disconnectFromServer();
    });
    QObject::connect(&client, &QXmppClient::error, [&](QXmppClient::Error error) {
        is_refused = is_refused || (error == QXmppClient::XmppStreamError && !is_in);
    });
    QObject::connect(&client, &QXmppClient::disconnected, [&] {
        std::cout << (is_in ? "out" : is_refused ? "refused" : "lost") << std::endl;
        application.exit(is_in ? 0 : is_refused ? 2 : 1);
    });
    client.connectToServer(settings);
    return application.exec();
}
