/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TTBRIDGE_NS3_FATAL_TRAP_H
#define TTBRIDGE_NS3_FATAL_TRAP_H

#include <cerrno>
#include <exception>
#include <ostream>
#include <streambuf>
#include <string>

/**
 * @file
 * ttb::FatalTrap: errors of ns-3 that would end the program become C++ exceptions.
 */

namespace ttb
{

/** What a trapped error throws. */
class FatalError : public std::exception
{
  public:
    /**
     * @param code a negative errno
     * @param text a sentence
     */
    FatalError(int code, std::string text)
        : m_code(code),
          m_text(std::move(text))
    {
    }

    /** @return the negative errno */
    int GetCode() const
    {
        return m_code;
    }

    const char* what() const noexcept override
    {
        return m_text.c_str();
    }

  private:
    int m_code;         //!< a negative errno
    std::string m_text; //!< a sentence
};

/**
 * While one of these is alive on a thread's stack, NS_FATAL_ERROR and all that is made of it
 * (NS_ABORT_*, NS_ASSERT) throw FatalError on that thread instead of ending the program.
 *
 * How: NS_FATAL_ERROR writes its message to std::cerr, calls ns3::FatalImpl::FlushStreams(), and
 * then std::terminate(). We define FlushStreams() as well; where the dynamic linker finds ours
 * first (this library comes before ns-3's in the program's list), it throws while a trap is set.
 * The message is picked up on its way through std::cerr.
 *
 * What it cannot do: an error in a destructor or in another function that may not throw still ends
 * the program; and what ns-3 was doing is left half done.
 */
class FatalTrap : private std::streambuf
{
  public:
    FatalTrap();
    ~FatalTrap() override;
    FatalTrap(const FatalTrap&) = delete;
    FatalTrap& operator=(const FatalTrap&) = delete;

    /** @return this thread's innermost trap, or nullptr */
    static FatalTrap* GetCurrent();

    /** Throw FatalError with the message that was written last. */
    [[noreturn]] void Throw();

  private:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize len) override;
    int sync() override;

    /** Give what is held back to the real std::cerr. */
    void Release();

    /** @return true if what is held back may become, or is, the message of a fatal error */
    bool MayBeFatal() const;

    /** std::clog, onto which ns-3 writes time and node in the middle of a fatal error's line. */
    class LogFilter : public std::streambuf
    {
      public:
        /** @param trap whose message is looked at; it outlives this */
        explicit LogFilter(const FatalTrap& trap);
        ~LogFilter() override;

      private:
        int_type overflow(int_type c) override;
        std::streamsize xsputn(const char* text, std::streamsize len) override;
        int sync() override;

        const FatalTrap& m_trap;    //!< the trap that this belongs to
        std::streambuf* m_original; //!< where std::clog goes
    };

    FatalTrap* m_outer;         //!< the trap around this one
    std::streambuf* m_original; //!< where std::cerr goes
    std::string m_held;         //!< the line being written, if it looks like a fatal error's
    bool m_lineBegins;          //!< the next character is the first of a line
    LogFilter m_logFilter;      //!< beside it
};

/**
 * Report an error that the run cannot go on after: throws FatalError if a trap is set, else it is
 * an NS_FATAL_ERROR.
 *
 * @param code a negative errno
 * @param text a sentence
 */
[[noreturn]] void RaiseFatal(int code, const std::string& text);

} // namespace ttb

#endif /* TTBRIDGE_NS3_FATAL_TRAP_H */
