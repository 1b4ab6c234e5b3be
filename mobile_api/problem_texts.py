"""What a person reads when something is refused, in Khmer and English."""
# ruff: noqa: E501 - one line for each text reads better than the rule

from typing import Final

TEXTS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "km": {
        "malformed": ("សំណើមិនត្រឹមត្រូវ", "កម្មវិធីបានផ្ញើព័ត៌មានដែលអានមិនបាន។ សូមធ្វើបច្ចុប្បន្នភាពកម្មវិធី។"),
        "proof-nonce": ("សូមព្យាយាមម្ដងទៀត", "សំណើនេះហួសពេលហើយ។"),
        "proof-invalid": ("មិនអាចផ្ទៀងផ្ទាត់ទូរសព្ទបាន", "ហត្ថលេខារបស់ទូរសព្ទនេះមិនត្រឹមត្រូវទេ។"),
        "assertion-invalid": ("មិនអាចផ្ទៀងផ្ទាត់ចម្លើយបាន", "ចម្លើយដែលបានចុះហត្ថលេខាមិនត្រូវនឹងសំណួរទេ។"),
        "attestation-invalid": ("មិនអាចផ្ទៀងផ្ទាត់ឧបករណ៍បាន", "ទូរសព្ទនេះនៅតែប្រើបាន ប៉ុន្តែមិនឡើងដល់កម្រិតខ្ពស់បំផុតទេ។"),
        "device-unknown": ("ទូរសព្ទនេះមិនទាន់បានចុះឈ្មោះ", "សូមចុះឈ្មោះជាមុនសិន។"),
        "device-revoked": ("ទូរសព្ទនេះត្រូវបានដកចេញ", "ទូរសព្ទនេះលែងប្រើជាមួយគណនីនេះបានទៀតហើយ។"),
        "device-suspended": ("ទូរសព្ទនេះត្រូវបានចាក់សោបណ្ដោះអាសន្ន", "មានគេរាយការណ៍ថាបាត់ទូរសព្ទនេះ។ បើទូរសព្ទនៅជាមួយអ្នក សូមបញ្ចូលលេខសម្ងាត់ ដើម្បីដោះសោ។"),
        "role-missing": ("មិនមានសិទ្ធិ", "ផ្នែកនេះសម្រាប់តែមន្ត្រីដែលបានចាត់តាំងប៉ុណ្ណោះ។"),
        "account-suspended": ("គណនីត្រូវបានផ្អាក", "សូមទាក់ទងមន្ត្រីដើម្បីទទួលបានជំនួយ។"),
        "locked": ("សូមដោះសោជាមុនសិន", "សូមបញ្ចូលលេខសម្ងាត់ ដើម្បីមើលព័ត៌មានផ្ទាល់ខ្លួន។"),
        "assurance-too-low": ("កម្រិតផ្ទៀងផ្ទាត់មិនគ្រប់គ្រាន់", "សេវានេះត្រូវការគណនីដែលមានកម្រិតខ្ពស់ជាងនេះ។"),
        "not-found": ("រកមិនឃើញ", "មិនមានអ្វីនៅទីនេះសម្រាប់ទូរសព្ទនេះទេ។"),
        "wrong-step": ("ជំហាននេះបានកន្លងផុតហើយ", "ការចុះឈ្មោះស្ថិតនៅជំហានផ្សេង។ សូមបន្តពីទីនោះ។"),
        "challenge-closed": ("ការចូលនេះបានបញ្ចប់ហើយ", "សូមចាប់ផ្ដើមចូលម្ដងទៀតនៅលើគេហទំព័រ។"),
        "challenge-taken": ("ទូរសព្ទផ្សេងបានស្កេនមុន", "សូមផ្ទុកគេហទំព័រឡើងវិញ រួចស្កេនកូដថ្មី។"),
        "already-registered": ("មានគណនីរួចហើយ", "ទូរសព្ទ ឬឯកសារនេះមានគណនីរួចហើយ។ អ្នកអាចស្ដារគណនីនោះវិញបាន។"),
        "too-large": ("ឯកសារធំពេក", "សូមផ្ញើរូបភាពដែលមានទំហំតូចជាង ៨ មេកាបៃ។"),
        "code-wrong": ("លេខកូដមិនត្រឹមត្រូវ", "សូមពិនិត្យ រួចបញ្ចូលម្ដងទៀត។"),
        "code-expired": ("លេខកូដអស់សុពលភាព", "សូមស្នើសុំលេខកូដថ្មី។"),
        "evidence-insufficient": ("រូបភាពមិនទាន់គ្រប់គ្រាន់", "សូមថតម្ដងទៀតតាមការណែនាំ។"),
        "fields-invalid": ("សូមកែព័ត៌មានដែលបានសម្គាល់", "ព័ត៌មានខ្លះមិនត្រឹមត្រូវ។"),
        "qr-stale": ("កូដ QR ហួសពេល", "សូមស្កេនកូដដែលកំពុងបង្ហាញឥឡូវនេះ។"),
        "email-invalid": ("អាសយដ្ឋានអ៊ីមែលមិនត្រឹមត្រូវ", "សូមបញ្ចូលអាសយដ្ឋានអ៊ីមែលដែលអាចទទួលសារបាន។"),
        "work-required": ("សូមរង់ចាំបន្តិច", "មានសំណើច្រើនពីបណ្ដាញនេះ។ ទូរសព្ទរបស់អ្នកកំពុងបញ្ជាក់ថាវាមិនមែនជាមនុស្សយន្ត។"),
        "phone-invalid": ("លេខទូរសព្ទមិនត្រឹមត្រូវ", "សូមបញ្ចូលលេខទូរសព្ទដៃដែលអាចទទួលសារបាន។"),
        "exhausted": ("ព្យាយាមច្រើនដងពេក", "សូមរង់ចាំបន្តិច រួចព្យាយាមម្ដងទៀត។"),
        "unavailable": ("សេវាមិនទាន់អាចប្រើបាន", "សូមព្យាយាមម្ដងទៀតក្នុងពេលបន្តិចទៀត។"),
        "internal": ("មានបញ្ហាបច្ចេកទេស", "សូមអភ័យទោស។ សូមព្យាយាមម្ដងទៀតនៅពេលក្រោយ។"),
    },
    "en": {
        "malformed": ("The request cannot be understood", "The app sent something unreadable. Please update it."),
        "proof-nonce": ("Please try again", "This request is too old."),
        "proof-invalid": ("This phone could not be verified", "The signature of this phone is not right."),
        "assertion-invalid": ("The answer could not be verified", "The signed answer does not match the question."),
        "attestation-invalid": ("The device could not be verified", "The phone works all the same, but does not reach the highest level."),
        "device-unknown": ("This phone is not registered", "Please register first."),
        "device-revoked": ("This phone was removed", "This phone can no longer be used with the account."),
        "device-suspended": ("This phone is locked", "It was reported lost. If you have it, enter your PIN to unlock it again."),
        "role-missing": ("Not for you", "This part is for appointed officers only."),
        "account-suspended": ("The account is suspended", "Please ask an officer for help."),
        "locked": ("Please unlock first", "Enter your PIN to see personal data."),
        "assurance-too-low": ("The account's level is too low", "This service needs an account of a higher level."),
        "not-found": ("Not found", "There is nothing here for this phone."),
        "wrong-step": ("This step is over", "The registration is at another step. Please go on from there."),
        "challenge-closed": ("This login has ended", "Please start again on the website."),
        "challenge-taken": ("Another phone scanned it first", "Reload the website and scan the new code."),
        "already-registered": ("There is an account already", "This phone or document has an account. You can recover it."),
        "too-large": ("Too large", "Please send a picture of less than 8 MB."),
        "code-wrong": ("The code is not right", "Please check it and try again."),
        "code-expired": ("The code is no longer valid", "Please ask for a new code."),
        "evidence-insufficient": ("The picture is not enough", "Please take it again as advised."),
        "fields-invalid": ("Please correct the marked fields", "Some details cannot be right."),
        "qr-stale": ("The QR code is too old", "Scan the code that is on the screen now."),
        "email-invalid": ("The e-mail address is not right", "Enter an address that receives e-mail."),
        "work-required": ("Please wait a moment", "Many people ask from this network. Your phone is showing that it is not a robot."),
        "phone-invalid": ("The phone number is not right", "Enter a mobile number that receives text messages."),
        "exhausted": ("Too many tries", "Please wait a little and try again."),
        "unavailable": ("The service does not answer", "Please try again in a moment."),
        "internal": ("Something went wrong", "We are sorry. Please try again later."),
    },
}  # fmt: skip


def text_of(code: str, locale: str) -> tuple[str, str]:
    """Return title and detail; Khmer for a language that is not ours."""
    return TEXTS.get(locale, TEXTS["km"])[code]
