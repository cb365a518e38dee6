/* SPDX-License-Identifier: GPL-2.0-only */
#include "fatal-trap.h"

#include <ns3/fatal-error.h>

#include <algorithm>
#include <iostream>

/**
 * @file
 * ttb::FatalTrap implementation.
 */

namespace ttb
{

namespace
{

/// NS_FATAL_ERROR may be called anywhere, so the trap cannot be handed to it: the one place where
/// this library keeps state outside of objects, apart from what ns-3 itself keeps.
thread_local FatalTrap* t_trap = nullptr;

/// How the line of a fatal error begins (ns3/fatal-error.h, ns3/abort.h, ns3/assert.h).
const char* const FATAL_BEGINNINGS[] = {"msg=\"", "file=", "aborted. ", "assert failed. "};

/// Turn `msg="TEXT", file=DIRECTORY/FILE, line=N` into `ns-3: TEXT (FILE:N)`.
std::string
Reword(std::string line)
{
    while (!line.empty() && line.back() == '\n')
    {
        line.pop_back();
    }
    std::string where;
    auto file = line.rfind("file=");
    auto number = line.rfind(", line=");
    if (file != std::string::npos && number != std::string::npos && file < number)
    {
        std::string path = line.substr(file + 5, number - file - 5);
        auto slash = path.rfind('/');
        where = " (" + (slash == std::string::npos ? path : path.substr(slash + 1)) + ":" +
                line.substr(number + 7) + ")";
        line.erase(file);
    }
    while (!line.empty() && (line.back() == ' ' || line.back() == ','))
    {
        line.pop_back();
    }
    auto msg = line.rfind("msg=\"");
    if (msg != std::string::npos && line.back() == '"')
    {
        line = line.substr(msg + 5, line.size() - msg - 6);
    }
    for (char& c : line)
    {
        c = c == '\n' ? ' ' : c;
    }
    return "ns-3: " + (line.empty() ? std::string("fatal error") : line) + where;
}

} // namespace

FatalTrap::FatalTrap()
    : m_outer(t_trap),
      m_original(std::cerr.rdbuf(this)),
      m_lineBegins(true),
      m_logFilter(*this)
{
    t_trap = this;
}

FatalTrap::~FatalTrap()
{
    Release();
    std::cerr.rdbuf(m_original);
    t_trap = m_outer;
}

FatalTrap*
FatalTrap::GetCurrent()
{
    return t_trap;
}

void
FatalTrap::Throw()
{
    std::string text = Reword(m_held);
    m_held.clear();
    m_lineBegins = true;
    throw FatalError(-EIO, text);
}

bool
FatalTrap::MayBeFatal() const
{
    for (std::string beginning : FATAL_BEGINNINGS)
    {
        auto len = std::min(beginning.size(), m_held.size());
        if (m_held.compare(0, len, beginning, 0, len) == 0)
        {
            return true;
        }
    }
    return false;
}

void
FatalTrap::Release()
{
    if (!m_held.empty())
    {
        m_original->sputn(m_held.data(), static_cast<std::streamsize>(m_held.size()));
        m_lineBegins = m_held.back() == '\n';
        m_held.clear();
    }
    m_original->pubsync();
}

std::streamsize
FatalTrap::xsputn(const char* text, std::streamsize len)
{
    // A complete message that FlushStreams() was not called for was somebody else's line.
    auto number = m_held.rfind(", line=");
    if (!m_held.empty() && m_held.back() == '\n' && number != std::string::npos)
    {
        Release();
    }
    if (m_held.empty() && !m_lineBegins)
    {
        m_original->sputn(text, len);
        m_lineBegins = text[len - 1] == '\n';
        return len;
    }
    m_held.append(text, static_cast<size_t>(len));
    if (!MayBeFatal())
    {
        Release();
    }
    return len;
}

FatalTrap::int_type
FatalTrap::overflow(int_type c)
{
    if (!traits_type::eq_int_type(c, traits_type::eof()))
    {
        char text = traits_type::to_char_type(c);
        xsputn(&text, 1);
    }
    return traits_type::not_eof(c);
}

int
FatalTrap::sync()
{
    return m_held.empty() ? m_original->pubsync() : 0;
}

FatalTrap::LogFilter::LogFilter(const FatalTrap& trap)
    : m_trap(trap),
      m_original(std::clog.rdbuf(this))
{
}

FatalTrap::LogFilter::~LogFilter()
{
    std::clog.rdbuf(m_original);
}

std::streamsize
FatalTrap::LogFilter::xsputn(const char* text, std::streamsize len)
{
    // A line that is complete is no longer being written.
    bool within = !m_trap.m_held.empty() && m_trap.m_held.back() != '\n';
    return within ? len : m_original->sputn(text, len);
}

FatalTrap::int_type
FatalTrap::LogFilter::overflow(int_type c)
{
    if (!traits_type::eq_int_type(c, traits_type::eof()))
    {
        char text = traits_type::to_char_type(c);
        xsputn(&text, 1);
    }
    return traits_type::not_eof(c);
}

int
FatalTrap::LogFilter::sync()
{
    return m_original->pubsync();
}

void
RaiseFatal(int code, const std::string& text)
{
    if (FatalTrap::GetCurrent())
    {
        throw FatalError(code, text);
    }
    NS_FATAL_ERROR(text);
}

} // namespace ttb
